"""Serving RPC: validates arguments and replies with a result or a typed error, in Nameko's wire format.

Messages are transient, replies are sent on the consumer's own channel, and a call is acknowledged
after its reply: the call of a process that crashed runs again in another one, which its idempotency
key makes harmless.
"""

import re
import time
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import structlog
from marshmallow import ValidationError
from nameko.extensions import Entrypoint, SharedExtension, register_entrypoint

from chassis.amqp import topology
from chassis.amqp.connection import PERSISTENT, AmqpExtension, Delivery, decoded, text_of
from chassis.runtime import failpoints
from chassis.runtime.context import HEADER_PREFIX, Call, context_of
from kit import metrics
from kit.contracts import Rpc
from kit.errors import Invalid, ServiceError, Unavailable, field_errors, to_wire
from kit.replies import is_dead_lettered, may_reply_to
from kit.types import JsonObject, JsonValue

log = structlog.get_logger(__name__)

REASON, CALL = "x-reason", "x-call"  # headers of a dead-lettered call
MAX_HEADER_CHARACTERS = 255
# A dead letter may be stored for days: it keeps the call's context, but no access token.
PRESERVED_HEADERS = re.compile(f"{HEADER_PREFIX}(?!access_token)")
Method = TypeVar("Method", bound=Callable[..., Any])


def rpc(contract: Rpc) -> Callable[[Method], Method]:
    """Makes a method serve the calls of a contract; its parameters are the contract's arguments."""

    def register(method: Method) -> Method:
        if method.__name__ != contract.method:
            raise TypeError(f"{method.__name__} must be named {contract.method}, as its contract says")
        register_entrypoint(method, RpcEntrypoint(contract))
        return method

    return register


class RpcConnection(AmqpExtension):
    """The process's connection for calls, replies and calls to others."""

    purpose = "rpc"


class RpcServer(SharedExtension):  # type: ignore[misc]
    """Consumes the service's queue and starts a worker of the called method for each call."""

    rpc_connection = RpcConnection()

    def __init__(self) -> None:
        super().__init__()
        self._methods: dict[str, RpcEntrypoint] = {}

    def setup(self) -> None:
        """Consumes the service's queue on every connection."""
        self.settings = self.container.config["settings"]
        self._context = context_of(self.container)
        self._exchange = topology.rpc_exchange(self.settings)
        queue = topology.rpc_queue(self.settings, self.container.service_name)
        self.rpc_connection.amqp.consume(queue, self._on_message, self.settings.rpc_workers)

    def register(self, entrypoint: "RpcEntrypoint") -> None:
        """Adds a method."""
        self._methods[entrypoint.contract.routing_key] = entrypoint

    def stop_consuming(self) -> None:
        """Stops consuming; calls in progress are finished and answered."""
        self.rpc_connection.amqp.cancel()

    def _on_message(self, delivery: Delivery) -> None:
        routing_key = delivery.routing_key
        entrypoint = self._methods.get(routing_key)
        try:
            self._check(delivery)
            arguments = decoded(delivery)["kwargs"]
            call = self._context.call_from(delivery.headers)
            call.method = routing_key
            accepted = entrypoint.contract.accept(arguments) if entrypoint is not None else {}
        except ValidationError as error:
            bad = Invalid("Some values are not acceptable.", errors=field_errors(error.messages_dict))
            self._reply(delivery, error=to_wire(bad))
        except Exception as error:  # an error that escapes here would stop each process that gets the message
            self._dead_letter(delivery, f"{type(error).__name__}: {error}")
        else:
            if entrypoint is None:
                self._reply(delivery, error=_failure("MethodNotFound", routing_key))
                return
            done = partial(self._on_result, delivery, entrypoint.contract, time.monotonic())
            self.container.spawn_worker(
                entrypoint, (), accepted, context_data={"call": call}, handle_result=done
            )

    def _check(self, delivery: Delivery) -> None:
        """Raises: ValueError for a call that cannot be answered, or under a key its sender may not use."""
        reply_to = delivery.properties.get("reply_to")
        if not reply_to:
            raise ValueError("no reply_to")
        if not may_reply_to(self.container.service_name, reply_to):
            raise ValueError("reply_to is not for replies of this service")
        if is_dead_lettered(delivery.headers):
            raise ValueError("dead-lettered into the queue of calls")

    def _on_result(
        self, delivery: Delivery, contract: Rpc, began: float, worker: Any, result: JsonValue, failure: Any
    ) -> tuple[JsonValue, None]:
        call: Call = worker.data["call"]
        error = None if failure is None else _error_of(failure, contract)
        outcome = "ok" if error is None else error.get("kind", "failure")
        if contract.mutates:
            failpoints.reach("call.committed")
        metrics.labelled(metrics.RPC_SERVED, contract.routing_key, outcome).inc()
        seconds = time.monotonic() - began
        metrics.labelled(metrics.RPC_SECONDS, contract.routing_key).observe(seconds)
        self._reply(delivery, result, error, call.replayed)
        return result, None

    def _reply(
        self,
        delivery: Delivery,
        result: JsonValue = None,
        error: JsonObject | None = None,
        replayed: bool = False,
    ) -> None:
        body = {"result": result, "error": error, "replayed": replayed}
        correlation_id = delivery.properties.get("correlation_id", "")
        try:
            self.rpc_connection.amqp.reply(delivery, self._exchange, body, correlation_id=correlation_id)
        except Unavailable:
            log.warning("reply_lost", call=delivery.routing_key)

    def _dead_letter(self, delivery: Delivery, reason: str) -> None:
        service, call = self.container.service_name, delivery.routing_key
        queue = topology.dead_letter_queue(self.settings, service)
        log.error("rpc_dead_lettered", reason=reason, queue=queue, routing_key=call)
        metrics.DEAD_LETTERS.labels(queue).inc()
        kept = {
            k: v[:MAX_HEADER_CHARACTERS]
            for k, v in delivery.headers.items()
            if isinstance(v, str) and PRESERVED_HEADERS.match(str(k))
        }
        try:
            self.rpc_connection.amqp.publish(
                topology.dead_letter_exchange(self.settings),
                service,
                text_of(delivery, "replace"),
                headers={**kept, REASON: reason[:MAX_HEADER_CHARACTERS], CALL: call},
                even_if_blocked=True,
                delivery_mode=PERSISTENT,
                timestamp=int(time.time()),
            )
        except Unavailable:
            return
        self.rpc_connection.amqp.ack(delivery)


class RpcEntrypoint(Entrypoint):  # type: ignore[misc]
    """One method that serves calls."""

    server = RpcServer()

    def __init__(self, contract: Rpc, **options: Any) -> None:
        super().__init__(**options)
        self.contract = contract

    def setup(self) -> None:
        """Registers with the server."""
        self.server.register(self)

    def stop(self) -> None:
        """Stops all methods: they share one consumer, and a draining process accepts no calls."""
        self.server.stop_consuming()


def _error_of(failure: Any, contract: Rpc) -> JsonObject:
    error = failure[1]
    if isinstance(error, ServiceError):
        return to_wire(error)
    log.error("call_failed", call=contract.routing_key, exc_info=failure)
    return _failure(type(error).__name__, str(error))


def _failure(name: str, text: str) -> JsonObject:
    return {"exc_type": name, "exc_path": name, "exc_args": [text], "value": text}
