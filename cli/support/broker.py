"""A connection to RabbitMQ for one command, with a time-out for everything."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from amqp.exceptions import AMQPError
from kombu import Connection

from kit.settings import Settings

CONNECT_SECONDS, ANSWER_SECONDS = 3, 4


@contextlib.contextmanager
def connected(settings: Settings, on_blocked: Callable[[str], None]) -> Iterator[Any]:
    """An open connection; `on_blocked` is called with the reason when the broker accepts no messages.

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


def in_own_channel(connection: Any, operation: Callable[[Any], Any]) -> Any:
    """Returns the result of an operation in a channel of its own: an error of the broker closes only that."""
    channel = connection.channel()
    try:
        return operation(channel)
    finally:
        with contextlib.suppress(AMQPError, OSError):
            channel.close()  # a refusal has closed it already
