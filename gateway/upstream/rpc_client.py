"""Calling services: what the gateway needs of an RPC client, and the client over AMQP.

The wire format is Nameko's: a JSON body of `args` and `kwargs`, published to the RPC exchange with the
routing key `service.method`; the reply arrives in a queue of this gateway. Messages are transient and
expire with the deadline.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, cast

import structlog
from aio_pika.abc import AbstractConnection
from aiormq.abc import DeliveredMessage
from aiormq.channel import Channel
from aiormq.exceptions import DeliveryError, PublishError
from pamqp.commands import Basic

from gateway.upstream.availability import ServiceAvailability
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
    """A call without a reply yet: the address of its reply, and the future body of it."""

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
        self._client_id = ""  # the last part of reply addresses, new with each connection
        self._pending: dict[str, PendingCall] = {}
        self._publishing: set[asyncio.Task[None]] = set()
        self._availability = ServiceAvailability(
            settings.broker_prefix, timeout_seconds=self._deadline_seconds / 10
        )

    @property
    def is_ready(self) -> bool:
        """Whether the broker is connected."""
        return self._channel is not None

    async def on_connect(self, connection: AbstractConnection, reconnect: Callable[[], None]) -> None:
        """Opens the channel and consumes replies. The RPC exchange must exist."""
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        channel.close_callbacks.add(lambda *_: reconnect())
        await channel.declare_exchange(self._exchange, passive=True)
        own = uuid.uuid4().hex
        queue = await channel.declare_queue(f"{self._prefix}rpc.reply-gateway-{own}", exclusive=True)
        await queue.bind(self._exchange, reply_binding(f"gateway-{own}"))
        underlay = cast(Channel, await channel.get_underlay_channel())
        underlay.on_consumer_cancel_callbacks.add(lambda _: reconnect())
        await underlay.basic_consume(queue.name, self._on_reply, no_ack=True)
        self._client_id = f"gateway-{own}"
        self._availability.on_connect(connection)
        self._channel = underlay

    def on_disconnect(self) -> None:
        """Refuses calls until there is a new connection; calls in progress fail at once."""
        self._channel = None
        self._availability.on_disconnect()
        for pending in self._pending.values():
            if not pending.reply.done():
                pending.reply.set_exception(_connection_lost())

    async def call(self, contract: Rpc, headers: CallHeaders, **arguments: Any) -> Reply:
        """See `RpcClient.call`."""
        self._availability.raise_if_unavailable(contract.service)
        channel = self._channel
        if channel is None:
            raise Unavailable("Our services cannot be reached at the moment.")
        await _raise_if_blocked(channel)
        call_id, reply_to = new_call_id(), reply_address(contract.service, self._client_id)
        reply: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._pending[call_id] = PendingCall(reply_to, reply)
        try:
            async with asyncio.timeout(self._reply_timeout_seconds):
                self._publish(channel, contract, self._properties(headers, call_id, reply_to), arguments)
                body = await reply
        except TimeoutError as error:
            await self._availability.probe(contract.service)
            raise TimedOut(f"{contract.service} did not answer in time.") from error
        finally:
            del self._pending[call_id]
        return parse_reply(body)

    def _publish(
        self,
        channel: Channel,
        contract: Rpc,
        properties: Basic.Properties,
        arguments: dict[str, Any],
    ) -> None:
        # The confirm is awaited in the background: the reply usually arrives first.
        confirmed = channel.basic_publish(
            json_bytes({"args": [], "kwargs": arguments}),
            exchange=self._exchange,
            routing_key=contract.routing_key,
            properties=properties,
            mandatory=True,
            timeout=self._deadline_seconds,
            wait=False,
        )
        task = asyncio.create_task(
            self._watch_confirm(confirmed, properties.correlation_id or "", contract.service)
        )
        self._publishing.add(task)
        task.add_done_callback(self._publishing.discard)

    def _properties(self, headers: CallHeaders, call_id: str, reply_to: str) -> Basic.Properties:
        return Basic.Properties(
            content_type="application/json",
            content_encoding="utf-8",
            delivery_mode=1,
            expiration=self._deadline_ms,
            correlation_id=call_id,
            reply_to=reply_to,
            headers={**headers.as_headers(), f"{HEADER_PREFIX}deadline_ms": self._deadline_ms},
        )

    async def _watch_confirm(self, confirmed: Awaitable[object], call_id: str, service: str) -> None:
        try:
            await confirmed
        except PublishError:
            self._fail(call_id, Unavailable(f"{service} is not running."))
        except DeliveryError:
            self._fail(call_id, Unavailable(f"{service} accepts no more calls at the moment."))
        except TimeoutError:
            log.debug("publish_not_confirmed", service=service)  # the call has timed out as well
        except Exception as error:
            log.debug("publish_failed", service=service, error=f"{type(error).__name__}: {error}")
            self._fail(call_id, _connection_lost())

    def _fail(self, call_id: str, error: Exception) -> None:
        pending = self._pending.get(call_id)
        if pending is not None and not pending.reply.done():
            pending.reply.set_exception(error)

    async def _on_reply(self, message: DeliveredMessage) -> None:
        properties = message.header.properties
        pending = self._pending.get(properties.correlation_id or "")
        if pending is None or pending.reply.done():
            return  # too late: the call has timed out
        if is_from_called_service(pending.reply_to, message.routing_key or "", properties.headers):
            pending.reply.set_result(message.body)
        else:
            log.warning("reply_refused", expected=pending.reply_to, received=message.routing_key)


async def _raise_if_blocked(channel: Channel) -> None:
    # A broker under a resource alarm does not read from the connection, but the call stays in its socket's
    # buffer: it would be carried out after the alarm, long after it timed out here.
    try:
        async with asyncio.timeout(0):
            await channel.connection.ready()
    except TimeoutError as error:
        raise Unavailable("The message broker is not accepting messages.") from error


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
