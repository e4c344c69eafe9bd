"""Consuming events: effect and inbox row are one transaction; failures are stored and retried.

Only what is committed is acknowledged: as an effect, as a known duplicate, or as a failed event.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeAlias

import eventlet
import structlog
from nameko.extensions import Entrypoint, register_entrypoint
from sqlalchemy import Connection

from chassis.amqp import topology
from chassis.amqp.connection import AmqpExtension, Delivery, decoded
from chassis.runtime import failpoints
from chassis.runtime.context import context_of
from chassis.storage.database import Database, Db
from chassis.storage.failed_events import Failure, due_failures, retry_failure, store_failure
from chassis.storage.inbox import Effect, process_once
from kit import metrics
from kit.contracts import Event
from kit.errors import Unavailable
from kit.settings import Settings

log = structlog.get_logger(__name__)

TRANSIENT_ERRORS = ("database_unavailable", "busy")  # such an event is delayed, and does not count as failed
DELAY_SECONDS = 1.0
Handler = Callable[[Any, Connection, Any], None]  # the last one is the event's TypedDict


def on_event(contract: Event) -> Callable[[Handler], Callable[[Any, "Work"], None]]:
    """Makes `on_<type>(self, connection, event)` the handler of a contract's events.

    It runs in one transaction with the inbox row, so a duplicate never reaches it. An event for which
    it raises is stored as failed, tried again with exponential backoff and parked after the last try.
    """

    def register(handler: Handler) -> Callable[[Any, "Work"], None]:
        if handler.__name__ != contract.handler:
            raise TypeError(f"{handler.__name__} must be named {contract.handler}: it names a queue")

        @wraps(handler)
        def run(service: Any, work: "Work") -> None:
            work.run(service.db, lambda connection, event: handler(service, connection, event))

        register_entrypoint(run, EventEntrypoint(contract))
        return run

    return register


@dataclass(frozen=True)
class NewDelivery:
    """An event that the broker has delivered."""

    consumer: str
    contract: Event
    event: dict[str, Any]
    settings: Settings
    can_wait: Callable[[], bool]

    def run(self, db: Db, handle: Effect) -> None:
        """Processes the event; waits, without acknowledging, while the database is unavailable or busy.

        Raises: Unavailable when the process stops meanwhile, or the delivery can no longer be settled.
        """
        while True:
            try:
                self._process(db, handle)
                return
            except Unavailable as error:
                if not self.can_wait():
                    raise
                log.warning("event_delayed", consumer=self.consumer, error=error.detail)
                eventlet.sleep(DELAY_SECONDS)

    def _process(self, db: Db, handle: Effect) -> None:
        try:
            outcome = db.write(lambda connection: process_once(connection, self.consumer, self.event, handle))
        except Exception as error:
            if isinstance(error, Unavailable) and error.code in TRANSIENT_ERRORS:
                raise
            log.error("event_failed", consumer=self.consumer, event_id=self.event["event_id"], exc_info=error)
            failure = Failure(self.consumer, self.contract.type, self.event, error)
            db.write(lambda connection: store_failure(connection, failure, self.settings))
            outcome = "failed"
        metrics.EVENTS_HANDLED.labels(self.consumer, outcome).inc()


class Retry:
    """An event that failed before and is due again."""

    def __init__(self, failure_id: int, contract: Event, settings: Settings) -> None:
        self.failure_id, self._contract, self._settings = failure_id, contract, settings

    def run(self, db: Db, handle: Effect) -> None:
        """Tries it once more, unless another process is trying it now."""

        def load(body: dict[str, Any]) -> dict[str, Any]:
            return self._contract.load(body)

        outcome = db.write(lambda c: retry_failure(c, self.failure_id, load, handle, self._settings))
        metrics.EVENTS_HANDLED.labels(self._contract.handler, outcome).inc()


Work: TypeAlias = NewDelivery | Retry


class EventConsumer(AmqpExtension):
    """Consumes the service's event queues on a connection that never publishes.

    What is unacknowledged when it stops is delivered again elsewhere.
    """

    purpose = "events"

    def __init__(self) -> None:
        super().__init__()
        self._entrypoints: dict[str, EventEntrypoint] = {}
        self._retrying: set[int] = set()  # found due again while it waits for a busy database
        self._stopping = False

    def register(self, entrypoint: "EventEntrypoint") -> None:
        """Consumes the queue of one handler."""
        settings = self.container.config["settings"]
        service = self.container.service_name
        queue = topology.event_queue(settings, entrypoint.contract, service)
        self._entrypoints[entrypoint.consumer] = entrypoint
        self.amqp.consume(queue, lambda d: self._on_message(entrypoint, d), settings.event_workers)

    def start(self) -> None:
        """Connects in the background and starts looking for failed events."""
        super().start()
        self.container.spawn_managed_thread(self._retry_periodically, identifier="event retries")

    def stop_consuming(self) -> None:
        """Stops consuming; events in progress are finished."""
        self._stopping = True
        self.amqp.cancel()

    def _on_message(self, entrypoint: "EventEntrypoint", delivery: Delivery) -> None:
        try:
            event = entrypoint.contract.load(decoded(delivery))
        except Exception as error:  # an error that escapes here would stop each process that gets the message
            self._reject(entrypoint, delivery, error)
            return
        settings = self.container.config["settings"]

        def can_wait() -> bool:
            return not self._stopping and self.amqp.can_settle(delivery)

        work = NewDelivery(entrypoint.consumer, entrypoint.contract, event, settings, can_wait)
        self._spawn(entrypoint, work, delivery)

    def _reject(self, entrypoint: "EventEntrypoint", delivery: Delivery, error: BaseException) -> None:
        log.error("event_rejected", consumer=entrypoint.consumer, error=f"{type(error).__name__}: {error}")
        metrics.DEAD_LETTERS.labels(entrypoint.consumer).inc()
        self.amqp.reject(delivery)

    def _spawn(self, entrypoint: "EventEntrypoint", work: Work, delivery: Delivery | None) -> None:
        call = context_of(self.container).call_from({} if delivery is None else delivery.headers)
        call.access_token, call.onward_tokens = None, {}

        def settle(_worker: Any, result: Any, failure: Any) -> tuple[Any, Any]:
            if isinstance(work, Retry):
                self._retrying.discard(work.failure_id)
            if failure is not None and (delivery is None or isinstance(failure[1], Unavailable)):
                log.warning("event_requeued", consumer=entrypoint.consumer, error=str(failure[1]))
            elif failure is not None:  # it cannot be stored as a failed event either
                self._reject(entrypoint, delivery, failure[1])
            elif delivery is not None:
                failpoints.reach("event.committed")
                self.amqp.ack(delivery)
            return result, None

        self.container.spawn_worker(
            entrypoint, (work,), {}, context_data={"call": call}, handle_result=settle
        )

    def _retry_periodically(self) -> None:
        settings = self.container.config["settings"]
        provider = next(d for d in self.container.dependencies if isinstance(d, Database))
        while not self._stopping:
            eventlet.sleep(settings.event_retry_seconds)
            try:
                due = provider.db.read(due_failures)
            except Exception as error:
                log.warning("retries_postponed", error=str(error))
                continue
            for failure_id, consumer in due:
                entrypoint = self._entrypoints.get(consumer)
                if entrypoint is not None and failure_id not in self._retrying and not self._stopping:
                    self._retrying.add(failure_id)
                    self._spawn(entrypoint, Retry(failure_id, entrypoint.contract, settings), None)


class EventEntrypoint(Entrypoint):  # type: ignore[misc]
    """One handler of one type of event."""

    events = EventConsumer()

    def __init__(self, contract: Event, **options: Any) -> None:
        super().__init__(**options)
        self.contract = contract

    @property
    def consumer(self) -> str:
        """The name of this handler in the inbox."""
        return f"{self.contract.owner}.{self.contract.type}"

    def setup(self) -> None:
        """Registers with the consumer."""
        self.events.register(self)

    def stop(self) -> None:
        """Stops all handlers: they share one consumer."""
        self.events.stop_consuming()
