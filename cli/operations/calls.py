"""Making a call again that could not be answered when it came: the answer comes to the operator."""

import contextlib
import json
import time
from collections.abc import Iterator
from typing import Any

import amqp

from chassis import topology
from chassis.context import HEADER_PREFIX
from cli.operations.broker import publish, text_in
from kit.settings import Settings

REQUEST_ID = f"{HEADER_PREFIX}request_id"


def call_again(connection: Any, settings: Settings, message: Any, name: str, request_id: str) -> Any:
    """The service's reply, or None when there is none within the deadline.

    The call keeps its idempotency key, so that a repeat is harmless; it has no access token.
    """
    with _replies(connection, settings, f"reply.operations-{request_id}") as replies:
        milliseconds = int(settings.rpc_deadline_seconds * 1000)
        kept = {k: v for k, v in (message.headers or {}).items() if str(k).startswith(HEADER_PREFIX)}
        call = amqp.Message(
            message.body,
            content_type="application/json",
            content_encoding="utf-8",
            application_headers={**kept, REQUEST_ID: request_id, f"{HEADER_PREFIX}deadline_ms": milliseconds},
            reply_to=f"reply.operations-{request_id}",
            correlation_id=request_id,
            expiration=str(milliseconds),
        )
        publish(connection, call, topology.rpc_exchange(settings), name)
        give_up_at = time.monotonic() + settings.rpc_deadline_seconds
        while not replies and (left := give_up_at - time.monotonic()) > 0:
            with contextlib.suppress(TimeoutError):
                connection.drain_events(timeout=left)
    return json.loads(text_in(replies[0])) if replies else None


@contextlib.contextmanager
def _replies(connection: Any, settings: Settings, address: str) -> Iterator[list[Any]]:
    """What comes to a queue of one's own, as services have them; it goes with its channel."""
    queue = f"{settings.broker_prefix}rpc.{address}"
    replies: list[Any] = []
    channel = connection.channel()
    try:
        channel.queue_declare(queue, exclusive=True, auto_delete=True, arguments={"x-queue-type": "classic"})
        channel.queue_bind(queue, topology.rpc_exchange(settings), address)
        channel.basic_consume(queue, no_ack=True, callback=replies.append)
        yield replies
    finally:
        with contextlib.suppress(amqp.exceptions.AMQPError, OSError):
            channel.close()
