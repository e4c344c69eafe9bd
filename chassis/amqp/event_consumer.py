"""Consuming events: effect and inbox row are one transaction; failures are stored and retried.

Only what is committed is acknowledged: as an effect, as a known duplicate, or as a failed event.
"""

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

import eventlet
import structlog
from nameko.extensions import Entrypoint, register_entrypoint
from sqlalchemy import Connection

from chassis.amqp import topology
from chassis.amqp.connection import AmqpExtension
from chassis.amqp.event_queue import PREFETCH, Ended, EventQueue
from chassis.amqp.event_work import Retry, Work
from chassis.runtime.context import Call, context_of
from chassis.storage.database import Database
from chassis.storage.failed_events import due_failures
from kit.contracts import Event

log = structlog.get_logger(__name__)

Handler = Callable[[Any, Connection, Any], None]  # the last one is the event's TypedDict


def on_event(contract: Event) -> Callable[[Handler], Callable[[Any, Work], None]]:
    """Makes `on_<type>(self, connection, event)` the handler of a contract's events.

    It runs in one transaction with the inbox row, so a duplicate never reaches it; other events of its
    queue may share that transaction, before and after it. An event for which it raises is stored as
    failed, tried again with exponential backoff and parked after the last try.
    """

    def register(handler: Handler) -> Callable[[Any, Work], None]:
        if handler.__name__ != contract.handler:
            raise TypeError(f"{handler.__name__} must be named {contract.handler}: it names a queue")

        @wraps(handler)
        def run(service: Any, work: Work) -> None:
            work.run(service.db, partial(handler, service))

        register_entrypoint(run, EventEntrypoint(contract))
        return run

    return register


class EventConsumer(AmqpExtension):
    """Consumes the service's event queues on a connection that never publishes.

    What is unacknowledged when it stops is delivered again elsewhere.
    """

    purpose = "events"

    def __init__(self) -> None:
        super().__init__()
        self._entrypoints: dict[str, EventEntrypoint] = {}
        self._queues: list[EventQueue] = []
        self._retrying: set[int] = set()  # found due again while it waits for a busy database
        self._stopping = False

    def register(self, entrypoint: "EventEntrypoint") -> None:
        """Consumes the queue of one handler."""
        settings = self.container.config["settings"]
        name = topology.event_queue(settings, entrypoint.contract, self.container.service_name)
        spawn = partial(self._spawn, entrypoint)
        queue = EventQueue(
            entrypoint.consumer, entrypoint.contract, settings, self.amqp, self._call_from, spawn
        )
        self._entrypoints[entrypoint.consumer] = entrypoint
        self._queues.append(queue)
        self.amqp.consume(name, queue.receive, PREFETCH)

    def start(self) -> None:
        """Connects in the background and starts looking for failed events."""
        super().start()
        self.container.spawn_managed_thread(self._retry_periodically, identifier="event retries")

    def stop_consuming(self) -> None:
        """Stops consuming; events in progress are finished."""
        if not self._stopping:
            self._stopping = True
            self.amqp.cancel()
            for queue in self._queues:
                queue.stop()

    def _call_from(self, headers: Any) -> Call:
        call = context_of(self.container).call_from(headers)
        call.access_token, call.onward_tokens = None, {}
        return call

    def _spawn(self, entrypoint: "EventEntrypoint", work: Work, ended: Ended) -> None:
        def handle_result(_worker: Any, result: Any, failure: Any) -> tuple[Any, Any]:
            ended(None if failure is None else failure[1])
            return result, None

        context = {"call": self._call_from({})}
        self.container.spawn_worker(
            entrypoint, (work,), {}, context_data=context, handle_result=handle_result
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
                    retry = Retry(failure_id, entrypoint.contract, settings)
                    self._spawn(entrypoint, retry, partial(self._retried, entrypoint.consumer, failure_id))

    def _retried(self, consumer: str, failure_id: int, error: BaseException | None) -> None:
        self._retrying.discard(failure_id)
        if error is not None:
            log.warning("event_requeued", consumer=consumer, error=str(error))


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
