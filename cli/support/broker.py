"""One connection to RabbitMQ for a command that looks, acts and ends; it never hangs."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from amqp.exceptions import AMQPError
from kombu import Connection

from kit.settings import Settings

CONNECT_SECONDS, ANSWER_SECONDS = 3, 4


@contextlib.contextmanager
def connected(settings: Settings, on_blocked: Callable[[str], None]) -> Iterator[Any]:
    """An open connection; `on_blocked` hears the reason when the broker takes no messages.

    Raises: AMQPError, OSError, and ValueError for an address that is none.
    """
    options = {"on_blocked": on_blocked, "read_timeout": ANSWER_SECONDS, "write_timeout": ANSWER_SECONDS}
    connection = Connection(
        settings.amqp_url, connect_timeout=CONNECT_SECONDS, heartbeat=0, transport_options=options
    )
    try:
        connection.connect()
        yield connection
    finally:
        with contextlib.suppress(AMQPError, OSError):
            connection.release()


def ask(connection: Any, question: Callable[[Any], Any]) -> Any:
    """The answer to one question, in a channel of its own: a refusal closes only that."""
    channel = connection.channel()
    try:
        return question(channel)
    finally:
        with contextlib.suppress(AMQPError, OSError):
            channel.close()  # a refusal has closed it already
