"""What a worker does with events: with one alone, with a batch of them, with one that failed before."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import eventlet
import structlog
from sqlalchemy import Connection

from chassis.runtime.context import Call, enter
from chassis.storage.database import Db, current_call
from chassis.storage.failed_events import Failure, retry_failure, store_failure
from chassis.storage.inbox import Effect, process_each_once, process_once
from kit import metrics
from kit.contracts import Event
from kit.errors import Unavailable
from kit.settings import Settings

log = structlog.get_logger(__name__)

TRANSIENT_ERRORS = ("database_unavailable", "busy")  # such an event is delayed, and does not count as failed
DELAY_SECONDS = 1.0


@dataclass(frozen=True, eq=False)
class NewDelivery:
    """An event that the broker has delivered, and the call that caused it."""

    consumer: str
    contract: Event
    event: dict[str, Any]
    settings: Settings
    can_wait: Callable[[], bool]
    call: Call | None = None
    delivery: Any = None

    def enter(self) -> None:
        """Labels what is logged and recorded from now on with the request that caused the event."""
        enter(current_call.get(), self.call)

    def run(self, db: Db, handle: Effect) -> None:
        """Processes the event; waits, without acknowledging, while the database is unavailable or busy.

        Raises: Unavailable when the process stops meanwhile, or the delivery can no longer be settled.
        """
        self.enter()
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


class Batch:
    """What waits in a queue when the worker starts: taken in one transaction, or not at all.

    `events` are those it took, `is_rolled_back` tells that they must be processed alone.
    """

    def __init__(self, take: Callable[[], Sequence[NewDelivery]]) -> None:
        self._take = take
        self.events: Sequence[NewDelivery] = ()
        self.is_rolled_back = False

    def run(self, db: Db, handle: Effect) -> None:
        """Processes the events in their order. One that is alone is processed as `NewDelivery` says.

        Raises: Unavailable, for one that is alone.
        """
        self.events = self._take()
        if len(self.events) == 1:
            self.events[0].run(db, handle)
        elif self.events:
            self._run_together(db, handle)

    def _run_together(self, db: Db, handle: Effect) -> None:
        consumer = self.events[0].consumer
        try:
            outcomes = db.write(lambda connection: self._process(connection, consumer, handle))
        except Exception as error:
            enter(current_call.get(), None)
            log.warning("batch_rolled_back", consumer=consumer, events=len(self.events), error=str(error))
            self.is_rolled_back = True
            return
        for outcome in set(outcomes):
            metrics.EVENTS_HANDLED.labels(consumer, outcome).inc(outcomes.count(outcome))

    def _process(self, connection: Connection, consumer: str, handle: Effect) -> list[str]:
        by_id = {work.event["event_id"]: work for work in reversed(self.events)}

        def handle_as_caused(connection: Connection, event: dict[str, Any]) -> None:
            by_id[event["event_id"]].enter()
            handle(connection, event)

        events = [work.event for work in self.events]
        return process_each_once(connection, consumer, events, handle_as_caused)


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


Work: TypeAlias = NewDelivery | Batch | Retry
