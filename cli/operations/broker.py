"""RabbitMQ for the operators' commands: what goes wrong there is one sentence; nothing is lost on the way."""

import contextlib
from collections.abc import Iterator
from typing import Any

from amqp import spec
from amqp.exceptions import AccessRefused, AMQPError, NotFound

from chassis.amqp.connection import text_of  # with it py-amqp reads messages whose properties are no text
from cli.operations.configuration import masked
from cli.support.broker import ANSWER_SECONDS, connected
from cli.support.errors import CliError
from kit.settings import Settings

MOST = 10_000
NO_ROUTE = 312


@contextlib.contextmanager
def opened_broker(settings: Settings) -> Iterator[Any]:
    """A connection. Raises: CliError when RabbitMQ is away, refuses or takes no messages."""
    alarms: list[str] = []
    try:
        with connected(settings, alarms.append) as connection:
            yield connection
    except NotFound as error:
        raise CliError(f"{error.reply_text}. Run `microtasks migrate`.") from error
    except AccessRefused as error:
        raise CliError(f"The broker account may not do this: {error.reply_text}") from error
    except (AMQPError, OSError, ValueError) as error:
        if getattr(error, "reply_code", None) == NO_ROUTE:
            raise CliError("The queue it belongs to is missing. Run `microtasks migrate`.") from error
        said = f"takes no messages: {alarms[0]}" if alarms else str(error) or type(error).__name__
        raise CliError(f"RabbitMQ at {masked(settings.amqp_url)}: {said}") from error


@contextlib.contextmanager
def all_in(connection: Any, queue: str) -> Iterator[list[Any]]:
    """Every message of a queue, held so that nobody else gets it; what is not acknowledged goes back.

    All are taken at once, so they go back in their order.
    """
    channel = connection.channel()
    try:
        messages: list[Any] = []
        while len(messages) < MOST and (message := channel.basic_get(queue)) is not None:
            messages.append(message)
        yield messages
        channel.basic_recover(requeue=True)
        channel.wait(spec.Basic.RecoverOk, timeout=ANSWER_SECONDS)  # so that the next look finds them
    finally:
        with contextlib.suppress(AMQPError, OSError):
            channel.close()


def publish(connection: Any, message: Any, exchange: str, routing_key: str) -> None:
    """Publishes a message and waits until the broker has put it into a queue.

    Raises: AMQPError when no queue takes it, OSError when nothing is heard in time.
    """
    channel = connection.channel()
    try:
        channel.basic_publish_confirm(
            message, exchange, routing_key, mandatory=True, confirm_timeout=ANSWER_SECONDS
        )
    finally:
        with contextlib.suppress(AMQPError, OSError):
            channel.close()


def text_in(message: Any) -> str:
    """A message's body as text; what is no UTF-8 is marked."""
    return text_of(message, "replace")
