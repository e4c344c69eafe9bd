"""Calling another service: always with a deadline, never for ever."""

import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

import eventlet
import structlog
from eventlet.event import Event as GreenEvent
from nameko.extensions import DependencyProvider, SharedExtension

from chassis import topology
from chassis.broker import Channel, Delivery, decoded
from chassis.context import HEADER_PREFIX, Call
from chassis.presence import Presence
from chassis.rpc import RpcLink
from kit.contracts import Rpc
from kit.errors import TimedOut, Unavailable, from_wire

log = structlog.get_logger(__name__)
Json = Any
MARGIN_SECONDS = 0.5


class Replies(SharedExtension):  # type: ignore[misc]
    """The process's reply queue: exclusive, gone with its connection."""

    rpc_link = RpcLink()

    def __init__(self) -> None:
        super().__init__()
        self._waiting: dict[str, GreenEvent] = {}

    def setup(self) -> None:
        """Declares the queue on every connection and consumes it."""
        settings = self.container.config["settings"]
        self._presence = Presence(settings)
        self._exchange = topology.rpc_exchange(settings)
        self._address = f"reply.{self.container.service_name}-{uuid.uuid4()}"
        self._queue = f"{settings.broker_prefix}rpc.{self._address}"
        link = self.rpc_link.link
        link.on_connect(self._declare)
        link.on_loss(self._fail_all)
        link.consume(self._queue, self._on_reply, prefetch=0)

    def call(self, contract: Rpc, arguments: dict[str, Json], call: Call) -> Json:
        """Calls and waits a little less than the caller's own caller waits, so that it hears why."""
        seconds = call.remaining_seconds() - MARGIN_SECONDS
        if seconds <= 0:
            raise TimedOut(f"{contract.service} was not asked: no time was left.")
        self._presence.refuse_if_absent(contract.service)
        correlation_id, answered = str(uuid.uuid4()), GreenEvent()
        self._waiting[correlation_id] = answered
        try:
            self._send(contract, arguments, call, correlation_id, int(seconds * 1000))
            with eventlet.Timeout(seconds, TimedOut(f"{contract.service} did not answer in time.")):
                return answered.wait()
        except TimedOut:
            self._presence.look(contract.service)
            self._presence.refuse_if_absent(contract.service)
            raise
        finally:
            self._waiting.pop(correlation_id, None)

    def _send(
        self, contract: Rpc, arguments: dict[str, Json], call: Call, correlation_id: str, milliseconds: int
    ) -> None:
        headers = {**call.headers(), HEADER_PREFIX + "deadline_ms": milliseconds}
        if contract.mutates:
            headers[HEADER_PREFIX + "idempotency_key"] = correlation_id
        self.rpc_link.link.publish(
            self._exchange,
            contract.routing_key,
            {"args": [], "kwargs": arguments},
            headers,
            mandatory=True,
            reply_to=self._address,
            correlation_id=correlation_id,
            expiration=str(milliseconds),
        )

    def _declare(self, channel: Channel) -> None:
        channel.queue_declare(
            self._queue, exclusive=True, auto_delete=True, arguments={"x-queue-type": "classic"}
        )
        channel.queue_bind(self._queue, self._exchange, self._address)
        channel.events["basic_return"].add(self._on_return)

    def _on_reply(self, delivery: Delivery) -> None:
        answered = self._waiting.pop(delivery.properties.get("correlation_id", ""), None)
        if answered is None:
            return
        try:
            reply = decoded(delivery)
            result, error = reply["result"], reply["error"] and from_wire(reply["error"])
        except Exception:  # whatever it is, other calls share this loop
            result, error = None, Unavailable("The answer could not be read.")
        if error:
            answered.send_exception(error)
        else:
            answered.send(result)

    def _on_return(self, _error: Any, _exchange: str, routing_key: str, message: Any) -> None:
        answered = self._waiting.pop(message.properties.get("correlation_id", ""), None)
        if answered is not None:
            answered.send_exception(Unavailable(f"Nobody answers {routing_key}."))

    def _fail_all(self) -> None:
        waiting, self._waiting = self._waiting, {}
        for answered in waiting.values():
            answered.send_exception(Unavailable("The message broker is away.", code="broker_unavailable"))


class Remote(DependencyProvider):  # type: ignore[misc]
    """Another service: `catalog = Remote("catalog")`, then `self.catalog(contract, **arguments)`.

    The call carries the caller's token, request id and remaining time. Never call inside a
    transaction.
    """

    replies = Replies()

    def __init__(self, service: str) -> None:
        self.service = service

    def get_dependency(self, worker_ctx: Any) -> Callable[..., Json]:
        """A callable bound to the current call."""
        return partial(self._ask, worker_ctx.data["call"])

    def _ask(self, call: Call, contract: Rpc, /, **arguments: Json) -> Json:
        """The answer of a remote method.

        Raises: the ServiceError it raised; Unavailable; TimedOut; RemoteFailure.
        """
        if contract.service != self.service:
            raise TypeError(f"{contract.routing_key} belongs to {contract.service}, not {self.service}")
        return self.replies.call(contract, arguments, call)
