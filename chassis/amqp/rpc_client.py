"""Calling another service, always with a deadline."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import eventlet
import structlog
from eventlet.event import Event as GreenEvent
from nameko.extensions import DependencyProvider, SharedExtension

from chassis.amqp import topology
from chassis.amqp.availability import ServiceAvailability
from chassis.amqp.connection import Channel, Delivery, decoded
from chassis.amqp.rpc_server import RpcConnection
from chassis.runtime.context import HEADER_PREFIX, Call
from kit.contracts import Rpc
from kit.errors import TimedOut, Unavailable, from_wire
from kit.replies import is_from_called_service, new_call_id, reply_address, reply_binding
from kit.types import JsonObject, JsonValue

log = structlog.get_logger(__name__)
REPORT_SECONDS = 0.5


class PendingCall(NamedTuple):
    """A call in progress: the address of its reply, and the event that its caller waits for."""

    reply_to: str
    answered: GreenEvent


class RpcReplyConsumer(SharedExtension):  # type: ignore[misc]
    """Consumes the process's reply queue, which is exclusive and deleted with its connection."""

    rpc_connection = RpcConnection()

    def __init__(self) -> None:
        super().__init__()
        self._pending: dict[str, PendingCall] = {}

    def setup(self) -> None:
        """Declares the queue on every connection, and consumes it."""
        settings = self.container.config["settings"]
        self._availability = ServiceAvailability(settings)
        self._exchange = topology.rpc_exchange(settings)
        self._name = f"{self.container.service_name}-{new_call_id()}"
        self._queue = f"{settings.broker_prefix}rpc.reply.{self._name}"
        amqp = self.rpc_connection.amqp
        amqp.on_connect(self._declare)
        amqp.on_disconnect(self._fail_all)
        amqp.consume(self._queue, self._on_reply, prefetch=0)

    def call(
        self, contract: Rpc, arguments: JsonObject, call: Call, timeout_seconds: float = math.inf
    ) -> JsonValue:
        """Calls, and gives up shortly before the deadline, so that the caller can still report the reason.

        Gives up after `timeout_seconds` if that is earlier.

        Raises: the ServiceError of the method; Unavailable; TimedOut; RemoteFailure.
        """
        seconds = min(call.remaining_seconds() - REPORT_SECONDS, timeout_seconds)
        if seconds <= 0:
            raise TimedOut(f"{contract.service} was not called: no time was left.")
        self._availability.raise_if_unavailable(contract.service)
        call_id, answered = new_call_id(), GreenEvent()
        self._pending[call_id] = PendingCall(reply_address(contract.service, self._name), answered)
        try:
            self._send(contract, arguments, call, call_id, int(seconds * 1000))
            with eventlet.Timeout(seconds, TimedOut(f"{contract.service} did not answer in time.")):
                answer: JsonValue = answered.wait()
                return answer
        except TimedOut:
            self._availability.probe(contract.service)
            self._availability.raise_if_unavailable(contract.service)
            raise
        finally:
            self._pending.pop(call_id, None)

    def _send(
        self, contract: Rpc, arguments: JsonObject, call: Call, call_id: str, milliseconds: int
    ) -> None:
        headers = {**call.headers_for(contract.routing_key), HEADER_PREFIX + "deadline_ms": milliseconds}
        if contract.mutates:
            headers[HEADER_PREFIX + "idempotency_key"] = call_id
        self.rpc_connection.amqp.publish(
            self._exchange,
            contract.routing_key,
            {"args": [], "kwargs": arguments},
            headers,
            mandatory=True,
            reply_to=self._pending[call_id].reply_to,
            correlation_id=call_id,
            expiration=str(milliseconds),
        )

    def _declare(self, channel: Channel) -> None:
        channel.queue_declare(
            self._queue, exclusive=True, auto_delete=True, arguments={"x-queue-type": "classic"}
        )
        channel.queue_bind(self._queue, self._exchange, reply_binding(self._name))
        channel.events["basic_return"].add(self._on_return)

    def _on_reply(self, delivery: Delivery) -> None:
        call_id = delivery.properties.get("correlation_id", "")
        pending = self._pending.get(call_id)
        if pending is None:
            return  # late: its caller has timed out
        if not is_from_called_service(pending.reply_to, delivery.routing_key, delivery.headers):
            log.warning("reply_refused", asked=pending.reply_to, came_from=delivery.routing_key)
            return
        self._settle(self._pending.pop(call_id).answered, delivery)

    def _settle(self, answered: GreenEvent, delivery: Delivery) -> None:
        try:
            reply = decoded(delivery)
            result, error = reply["result"], reply["error"] and from_wire(reply["error"])
        except Exception:  # an error that escapes here would end the loop of all calls
            result, error = None, Unavailable("The answer could not be read.")
        if error:
            answered.send_exception(error)
        else:
            answered.send(result)

    def _on_return(self, _error: Any, _exchange: str, routing_key: str, message: Any) -> None:
        pending = self._pending.pop(message.properties.get("correlation_id", ""), None)
        if pending is not None:
            pending.answered.send_exception(Unavailable(f"No service answers {routing_key}."))

    def _fail_all(self) -> None:
        pending, self._pending = self._pending, {}
        lost = Unavailable("The message broker is not accepting messages.", code="broker_unavailable")
        for each in pending.values():
            each.answered.send_exception(lost)


class ServiceClient(DependencyProvider):  # type: ignore[misc]
    """Another service: `catalog = ServiceClient("catalog")`, then `self.catalog(contract, **arguments)`.

    The call carries the caller's token, request id and remaining time, at most `timeout_seconds`.
    Never call inside a transaction.
    """

    replies = RpcReplyConsumer()

    def __init__(self, service: str, timeout_seconds: float = math.inf) -> None:
        self.service = service
        self.timeout_seconds = timeout_seconds

    def get_dependency(self, worker_ctx: Any) -> Callable[..., JsonValue]:
        """Returns a callable bound to the current call."""
        return partial(self._call, worker_ctx.data["call"])

    def _call(self, call: Call, contract: Rpc, /, **arguments: JsonValue) -> JsonValue:
        """Returns the result of a method of the service.

        Raises: the ServiceError it raised; Unavailable; TimedOut; RemoteFailure.
        """
        if contract.service != self.service:
            raise TypeError(f"{contract.routing_key} belongs to {contract.service}, not {self.service}")
        return self.replies.call(contract, arguments, call, self.timeout_seconds)
