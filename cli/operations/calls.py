"""Repeats a dead-lettered call for an operator, who receives the reply."""

import contextlib
import json
import time
from collections.abc import Iterator
from typing import Any

import amqp

from chassis.amqp import topology
from chassis.runtime.context import HEADER_PREFIX
from cli.operations.broker import publish, text_in
from kit.replies import is_from_called_service, new_call_id, reply_address, reply_binding
from kit.settings import Settings

REQUEST_ID = f"{HEADER_PREFIX}request_id"


def call_again(connection: Any, settings: Settings, message: Any, name: str, request_id: str) -> Any:
    """The service's reply, or None when there is none within the deadline.

    The call keeps its idempotency key, so that a repeat is harmless; it has no access token.
    """
    caller, call_id = f"operations-{request_id}", new_call_id()
    reply_to = reply_address(name.partition(".")[0], caller)
    with _replies(connection, settings, caller, reply_to, call_id) as replies:
        milliseconds = int(settings.rpc_deadline_seconds * 1000)
        kept = {k: v for k, v in (message.headers or {}).items() if str(k).startswith(HEADER_PREFIX)}
        call = amqp.Message(
            message.body,
            content_type="application/json",
            content_encoding="utf-8",
            application_headers={**kept, REQUEST_ID: request_id, f"{HEADER_PREFIX}deadline_ms": milliseconds},
            reply_to=reply_to,
            correlation_id=call_id,
            expiration=str(milliseconds),
        )
        publish(connection, call, topology.rpc_exchange(settings), name)
        give_up_at = time.monotonic() + settings.rpc_deadline_seconds
        while not replies and (left := give_up_at - time.monotonic()) > 0:
            with contextlib.suppress(TimeoutError):
                connection.drain_events(timeout=left)
    return json.loads(text_in(replies[0])) if replies else None


@contextlib.contextmanager
def _replies(
    connection: Any, settings: Settings, caller: str, reply_to: str, call_id: str
) -> Iterator[list[Any]]:
    """The reply, once it has come, in an exclusive queue that is deleted with its channel."""
    queue = f"{settings.broker_prefix}rpc.reply.{caller}"
    replies: list[Any] = []

    def on_reply(message: Any) -> None:
        is_own = message.properties.get("correlation_id") == call_id
        if is_own and is_from_called_service(reply_to, message.delivery_info["routing_key"], message.headers):
            replies.append(message)

    channel = connection.channel()
    try:
        channel.queue_declare(queue, exclusive=True, auto_delete=True, arguments={"x-queue-type": "classic"})
        channel.queue_bind(queue, topology.rpc_exchange(settings), reply_binding(caller))
        channel.basic_consume(queue, no_ack=True, callback=on_reply)
        yield replies
    finally:
        with contextlib.suppress(amqp.exceptions.AMQPError, OSError):
            channel.close()
