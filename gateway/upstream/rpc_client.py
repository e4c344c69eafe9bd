"""Calling services: what the gateway needs of an RPC client, and the client over AMQP.

The wire format is Nameko's: a JSON body of `args` and `kwargs`, published to the RPC exchange with the
routing key `service.method`; the reply arrives in a queue of this gateway. Messages are transient and
expire with the deadline.
"""

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import structlog
from aiormq.abc import ChannelFrame
from aiormq.channel import Channel

from gateway.patches import report_returned_messages
from gateway.upstream.availability import ServiceAvailability
from gateway.upstream.call_frames import CallFrames
from gateway.upstream.deliveries import BrokerConnection, Delivery
from kit.contracts import Rpc
from kit.errors import RemoteFailure, TimedOut, Unavailable, from_wire
from kit.json_bytes import json_bytes, json_value
from kit.replies import is_from_called_service, new_call_id, reply_address, reply_binding
from kit.settings import Settings

log = structlog.get_logger(__name__)

HEADER_PREFIX = "nameko."
ONWARD_PREFIX = "access_token_for."  # followed by the method that the called service may call


@dataclass(frozen=True, slots=True)
class CallHeaders:
    """The headers of a call; empty values are left out."""

    request_id: str = ""
    traceparent: str = ""
    access_token: str = ""
    address: str = ""
    idempotency_key: str = ""
    idempotency_fingerprint: str = ""
    idempotency_scope: str = ""
    onward_tokens: tuple[tuple[str, str], ...] = ()

    def as_headers(self) -> dict[str, str]:
        """The headers of the message."""
        pairs = (
            ("request_id", self.request_id),
            ("traceparent", self.traceparent),
            ("access_token", self.access_token),
            ("address", self.address),
            ("idempotency_key", self.idempotency_key),
            ("idempotency_fingerprint", self.idempotency_fingerprint),
            ("idempotency_scope", self.idempotency_scope),
            *((f"{ONWARD_PREFIX}{method}", token) for method, token in self.onward_tokens),
        )
        return {HEADER_PREFIX + name: value for name, value in pairs if value}


@dataclass(frozen=True, slots=True)
class Reply:
    """The result of a call; `replayed` says that it was stored for an earlier, identical request.

    Each contract has its own type of results, which `Rpc` does not carry: hence `Any`.
    """

    result: Any
    replayed: bool = False


class RpcClient(Protocol):
    """Makes calls to services."""

    @property
    def is_ready(self) -> bool:
        """Whether calls can be made now."""

    async def call(self, contract: Rpc, headers: CallHeaders, **arguments: Any) -> Reply:
        """Calls one method and returns its result.

        Raises: the `ServiceError` that the service raised; Unavailable when it is not running; TimedOut
        after the deadline; RemoteFailure when the service failed unexpectedly.
        """


class PendingCall(NamedTuple):
    """A call without a reply yet: the called service, the address of the reply, and its future body."""

    service: str
    reply_to: str
    reply: "asyncio.Future[bytes]"


class AmqpRpcClient:
    """Calls over one channel and one exclusive queue for the replies."""

    def __init__(self, settings: Settings) -> None:
        self._exchange = f"{settings.broker_prefix}nameko-rpc"
        self._prefix = settings.broker_prefix
        self._deadline_seconds = settings.rpc_deadline_seconds
        # The rest of the deadline is for finding out why there is no reply.
        self._reply_timeout_seconds = self._deadline_seconds * 0.9
        self._deadline_ms = str(int(settings.rpc_deadline_seconds * 1000))
        self._channel: Channel | None = None
        self._frames: CallFrames
        self._client_id = ""  # the last part of reply addresses, new with each connection
        self._pending: dict[str, PendingCall] = {}
        self._availability = ServiceAvailability(
            settings.broker_prefix, timeout_seconds=self._deadline_seconds / 10
        )

    @property
    def is_ready(self) -> bool:
        """Whether the broker is connected."""
        return self._channel is not None

    async def on_connect(self, connection: BrokerConnection, reconnect: Callable[[], None]) -> None:
        """Opens the channel and consumes replies. The RPC exchange must exist."""
        # Without confirms: a reply confirms its call, and a call without a queue is returned.
        channel = await connection.channel(publisher_confirms=False)
        channel.close_callbacks.add(lambda *_: reconnect())
        await channel.declare_exchange(self._exchange, passive=True)
        own = uuid.uuid4().hex
        queue = await channel.declare_queue(f"{self._prefix}rpc.reply-gateway-{own}", exclusive=True)
        await queue.bind(self._exchange, reply_binding(f"gateway-{own}"))
        underlay = await connection.consume(channel, queue.name, self._on_reply, reconnect)
        report_returned_messages(underlay, self._on_returned)
        self._client_id = f"gateway-{own}"
        frame_max = underlay.connection.connection_tune.frame_max
        self._frames = CallFrames(underlay.number, frame_max, self._exchange, self._deadline_ms)
        self._availability.on_connect(connection)
        self._channel = underlay

    def on_disconnect(self) -> None:
        """Refuses calls until there is a new connection; calls in progress fail at once."""
        self._channel = None
        self._availability.on_disconnect()
        for pending in self._pending.values():
            _fail(pending.reply, _connection_lost())

    async def call(self, contract: Rpc, headers: CallHeaders, **arguments: Any) -> Reply:
        """See `RpcClient.call`."""
        self._availability.raise_if_unavailable(contract.service)
        channel = self._channel
        if channel is None:
            raise Unavailable("Our services cannot be reached at the moment.")
        _raise_if_blocked(channel)
        call_id, reply_to = new_call_id(), reply_address(contract.service, self._client_id)
        loop = asyncio.get_running_loop()
        reply: asyncio.Future[bytes] = loop.create_future()
        self._pending[call_id] = PendingCall(contract.service, reply_to, reply)
        timer = loop.call_later(self._reply_timeout_seconds, _fail, reply, TimeoutError())
        try:
            await self._publish(channel, contract, headers, call_id, reply_to, arguments)
            body = await reply
        except TimeoutError as error:
            await self._availability.probe(contract.service)
            raise TimedOut(f"{contract.service} did not answer in time.") from error
        finally:
            timer.cancel()
            del self._pending[call_id]
        return parse_reply(body)

    async def _publish(
        self,
        channel: Channel,
        contract: Rpc,
        headers: CallHeaders,
        call_id: str,
        reply_to: str,
        arguments: dict[str, Any],
    ) -> None:
        fields = headers.as_headers()
        fields[f"{HEADER_PREFIX}deadline_ms"] = self._deadline_ms
        body = json_bytes({"args": [], "kwargs": arguments})
        frames = self._frames.encode(contract.routing_key, fields, call_id, reply_to, body)
        await channel.write_queue.put(ChannelFrame(frames, should_close=False))

    def _on_returned(self, call_id: str) -> None:
        pending = self._pending.get(call_id)
        if pending is not None:
            _fail(pending.reply, Unavailable(f"{pending.service} is not running."))

    def _on_reply(self, message: Delivery) -> None:
        pending = self._pending.get(message.correlation_id)
        if pending is None or pending.reply.done():
            return  # too late: the call has timed out
        if is_from_called_service(pending.reply_to, message.routing_key, message.headers):
            pending.reply.set_result(message.body)
        else:
            log.warning("reply_refused", expected=pending.reply_to, received=message.routing_key)


def _fail(reply: "asyncio.Future[bytes]", error: Exception) -> None:
    if not reply.done():
        reply.set_exception(error)


def _raise_if_blocked(channel: Channel) -> None:
    # A broker under a resource alarm does not read from the connection, but the call stays in its socket's
    # buffer: it would be carried out after the alarm, long after it timed out here.
    ready = channel.connection.ready()
    try:
        ready.send(None)
    except StopIteration:
        return
    ready.close()
    raise Unavailable("The message broker is not accepting messages.")


def _connection_lost() -> Unavailable:
    """The error of calls in progress: they may have been carried out nevertheless."""
    return Unavailable("The connection to our services was lost.", code="connection_lost")


def parse_reply(body: bytes) -> Reply:
    """Parses the body of a reply.

    Raises: the error that the service raised; RemoteFailure when the body is malformed.
    """
    try:
        reply = json_value(body)
        error, result, replayed = reply["error"], reply["result"], bool(reply.get("replayed"))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as broken:
        raise RemoteFailure("the reply cannot be read") from broken
    if error is not None:
        raise from_wire(error)
    return Reply(result, replayed)
