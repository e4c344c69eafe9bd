"""Calling services: what the gateway needs of an RPC client, and the one that speaks AMQP.

The wire format is Nameko's: a JSON body of `args` and `kwargs` to the RPC exchange under
`service.method`, the answer to our own queue. Messages are transient and expire with the deadline.
"""

import asyncio
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, cast

import structlog
from aio_pika.abc import AbstractConnection
from aiormq.abc import DeliveredMessage
from aiormq.channel import Channel
from aiormq.exceptions import DeliveryError, PublishError
from pamqp.commands import Basic

from gateway.upstream.availability import Presence
from kit.contracts import Rpc
from kit.errors import RemoteFailure, TimedOut, Unavailable, from_wire
from kit.replies import is_from_the_called, new_call_id, reply_address, reply_binding
from kit.settings import Settings

log = structlog.get_logger(__name__)

Json = Any
HEADER_PREFIX = "nameko."
ONWARD_PREFIX = "access_token_for."  # a token for one method that the called service calls


@dataclass(frozen=True, slots=True)
class CallHeaders:
    """What travels with a call besides its arguments; empty values are left out."""

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
    """A service's answer; `replayed` says that it is the stored one of an earlier request."""

    result: Json
    replayed: bool = False


class RpcClient(Protocol):
    """Makes calls to services."""

    @property
    def is_ready(self) -> bool:
        """Whether calls can be made at all now."""

    async def call(self, contract: Rpc, context: CallHeaders, **arguments: Json) -> Reply:
        """The answer of one method.

        Raises: what the service raised (`ServiceError`); Unavailable when nobody is there;
        TimedOut past the deadline; RemoteFailure when the service failed unforeseen.
        """


class PendingCall(NamedTuple):
    """A call under way: where its reply is to come, and who waits for it."""

    reply_to: str
    answered: "asyncio.Future[bytes]"


class AmqpRpcClient:
    """Calls over one channel and one exclusive queue for the replies."""

    def __init__(self, settings: Settings) -> None:
        self._exchange = f"{settings.broker_prefix}nameko-rpc"
        self._prefix = settings.broker_prefix
        self._deadline_seconds = settings.rpc_deadline_seconds
        # The rest of the deadline is for finding out why there is no answer.
        self._patience_seconds = self._deadline_seconds * 0.9
        self._deadline_ms = str(int(settings.rpc_deadline_seconds * 1000))
        self._channel: Channel | None = None
        self._name = ""  # the last word of the addresses of replies, new with each connection
        self._pending: dict[str, PendingCall] = {}
        self._publishing: set[asyncio.Task[None]] = set()
        self._presence = Presence(settings.broker_prefix, timeout_seconds=self._deadline_seconds / 10)

    @property
    def is_ready(self) -> bool:
        """Whether the broker is there."""
        return self._channel is not None

    async def set_up(self, connection: AbstractConnection, lost: Callable[[], None]) -> None:
        """Opens the channel and listens for replies. The RPC exchange must exist."""
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        channel.close_callbacks.add(lambda *_: lost())
        await channel.declare_exchange(self._exchange, passive=True)
        own = uuid.uuid4().hex
        queue = await channel.declare_queue(f"{self._prefix}rpc.reply-gateway-{own}", exclusive=True)
        await queue.bind(self._exchange, reply_binding(f"gateway-{own}"))
        underlay = cast(Channel, await channel.get_underlay_channel())
        underlay.on_consumer_cancel_callbacks.add(lambda _: lost())
        await underlay.basic_consume(queue.name, self._on_reply, no_ack=True)
        self._name = f"gateway-{own}"
        self._presence.use(connection)
        self._channel = underlay

    def let_go(self) -> None:
        """Refuses calls until there is a new connection; those under way fail at once."""
        self._channel = None
        self._presence.let_go()
        for pending in self._pending.values():
            if not pending.answered.done():
                pending.answered.set_exception(_connection_lost())

    async def call(self, contract: Rpc, context: CallHeaders, **arguments: Json) -> Reply:
        """See `RpcClient.call`."""
        self._presence.check(contract.service)
        channel = self._channel
        if channel is None:
            raise Unavailable("Our services cannot be reached at the moment.")
        await _refuse_while_blocked(channel)
        call_id, reply_to = new_call_id(), reply_address(contract.service, self._name)
        answered: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._pending[call_id] = PendingCall(reply_to, answered)
        try:
            async with asyncio.timeout(self._patience_seconds):
                self._publish(channel, contract, self._properties(context, call_id, reply_to), arguments)
                body = await answered
        except TimeoutError as error:
            await self._presence.look(contract.service)
            raise TimedOut(f"{contract.service} did not answer in time.") from error
        finally:
            del self._pending[call_id]
        return reply_in(body)

    def _publish(
        self,
        channel: Channel,
        contract: Rpc,
        properties: Basic.Properties,
        arguments: dict[str, Json],
    ) -> None:
        # The confirm is awaited beside the reply, which usually comes first.
        sending = channel.basic_publish(
            json.dumps({"args": [], "kwargs": arguments}).encode(),
            exchange=self._exchange,
            routing_key=contract.routing_key,
            properties=properties,
            mandatory=True,
            timeout=self._deadline_seconds,
            wait=False,
        )
        task = asyncio.create_task(self._watch(sending, properties.correlation_id or "", contract.service))
        self._publishing.add(task)
        task.add_done_callback(self._publishing.discard)

    def _properties(self, context: CallHeaders, call_id: str, reply_to: str) -> Basic.Properties:
        headers: dict[str, Any] = {**context.as_headers(), "nameko.deadline_ms": self._deadline_ms}
        return Basic.Properties(
            content_type="application/json",
            content_encoding="utf-8",
            delivery_mode=1,
            expiration=self._deadline_ms,
            correlation_id=call_id,
            reply_to=reply_to,
            headers=headers,
        )

    async def _watch(self, sending: Any, call_id: str, service: str) -> None:
        try:
            await sending
        except PublishError:
            self._fail(call_id, Unavailable(f"{service} is not running."))
        except DeliveryError:
            self._fail(call_id, Unavailable(f"{service} takes no more calls at the moment."))
        except TimeoutError:
            log.debug("publish_not_confirmed", service=service)  # the call has timed out as well
        except Exception as error:
            log.debug("publish_failed", service=service, error=f"{type(error).__name__}: {error}")
            self._fail(call_id, _connection_lost())

    def _fail(self, call_id: str, error: Exception) -> None:
        pending = self._pending.get(call_id)
        if pending is not None and not pending.answered.done():
            pending.answered.set_exception(error)

    async def _on_reply(self, message: DeliveredMessage) -> None:
        properties = message.header.properties
        pending = self._pending.get(properties.correlation_id or "")
        if pending is None or pending.answered.done():
            return  # late: its caller was told that it timed out
        if is_from_the_called(pending.reply_to, message.routing_key or "", properties.headers):
            pending.answered.set_result(message.body)
        else:
            log.warning("reply_refused", asked=pending.reply_to, came_from=message.routing_key)


async def _refuse_while_blocked(channel: Channel) -> None:
    # A broker under an alarm reads nothing, but keeps what was sent: the call would be carried out
    # when the alarm is over, long after its caller was told that it timed out.
    try:
        async with asyncio.timeout(0):
            await channel.connection.ready()
    except TimeoutError as error:
        raise Unavailable("The message broker is not accepting messages.") from error


def _connection_lost() -> Unavailable:
    """For calls under way: they may have been carried out all the same."""
    return Unavailable("The connection to our services was lost.", code="connection_lost")


def reply_in(body: bytes) -> Reply:
    """What the body of an answer says.

    Raises: what the service raised; RemoteFailure when the answer cannot be read.
    """
    try:
        reply = json.loads(body)
        error, result, replayed = reply["error"], reply["result"], bool(reply.get("replayed"))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as broken:
        raise RemoteFailure("the reply cannot be read") from broken
    if error is not None:
        raise from_wire(error)
    return Reply(result, replayed)
