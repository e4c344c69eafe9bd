"""The relay: publishes the events of this process from memory, and from the outbox what others left there.

A commit hands its events over. They are published at once, any number before the first confirm, and
the confirmed ones are marked as sent in batches. What is not confirmed is left to the outbox's table,
which every relay reads each few seconds for rows that are older than that. A row stays unsent until
its confirm, so an event may be published twice; the consumers' inboxes make that harmless.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import eventlet
import structlog
from eventlet.semaphore import Semaphore
from nameko.extensions import DependencyProvider

from chassis.amqp import topology
from chassis.amqp.confirms import CONFIRM_SECONDS, Confirms, Settle
from chassis.amqp.connection import AmqpExtension
from chassis.amqp.outbox_reader import OutboxReader
from chassis.runtime import failpoints
from chassis.runtime.context import enter
from chassis.storage.database import Database
from chassis.storage.recorded import RecordedEvent
from chassis.storage.retention import purge
from chassis.storage.sent_events import SentEvents
from kit.errors import Unavailable

log = structlog.get_logger(__name__)

LONGEST_WAIT_SECONDS = CONFIRM_SECONDS  # in memory, before it is published
PURGE_SECONDS = 3600.0


class RelayWorker(AmqpExtension):
    """Publishes on a connection of its own: a blocked connection blocks nothing else."""

    purpose = "relay"

    def __init__(self) -> None:
        super().__init__()
        self._held: set[int] = set()  # handed over, and neither marked as sent nor left to the table
        self._waiting: deque[tuple[float, RecordedEvent]] = deque()
        self._is_leaving = False
        self._stopping = False
        self._wanted, self._read_wanted = Semaphore(0), Semaphore(0)

    def setup(self) -> None:
        """Reads the contracts and subscribes to commits that record events."""
        self.settings = self.container.config["settings"]
        self._age_seconds = self.settings.relay_interval_seconds
        self._contracts = {event.type: event for event in self.container.config["events"]}
        self._exchange = topology.events_exchange(self.settings, self.container.service_name)
        database = next(d for d in self.container.dependencies if isinstance(d, Database))
        self._database = database
        self._confirms = Confirms(self.amqp)
        self._sent = SentEvents(lambda: database.db, self._held.difference_update)
        self._reader = OutboxReader(lambda: database.db, self._confirms, self._publish, self._held)
        database.on_recorded(self.accept)
        self.amqp.on_connect(lambda _: self._wake(self._read_wanted))

    def start(self) -> None:
        """Connects and starts publishing."""
        super().start()
        self._publisher = self._spawn(self._publish_until_stopped)
        self._marker = self._spawn(self._sent.run)
        self._spawn(self._read_periodically)
        self._spawn(self._purge_periodically)

    def stop(self) -> None:
        """Publishes what the last calls recorded and marks what is confirmed, then closes the connection."""
        self._stopping = True
        self._wake(self._wanted)
        with eventlet.Timeout(CONFIRM_SECONDS, False):
            self._publisher.wait()
        self._sent.stop()
        with eventlet.Timeout(CONFIRM_SECONDS, False):
            self._marker.wait()
        super().stop()

    def accept(self, events: Sequence[RecordedEvent]) -> None:
        """Takes committed events, to publish them now.

        They are left to the table while the broker accepts no messages or too many are held.
        """
        is_leaving = (
            not self.amqp.is_ready or len(self._held) + len(events) > self.settings.relay_memory_events
        )
        if is_leaving:
            if not self._is_leaving:
                log.warning("events_left_to_outbox", held=len(self._held))
        else:
            now = time.monotonic()
            self._held.update(event.id for event in events)
            self._waiting.extend((now, event) for event in events)
            self._wake(self._wanted)
        self._is_leaving = is_leaving

    def take_over(self) -> None:
        """Publishes now what an earlier process left in the outbox, however recent. For a service that
        has no other process, which could be publishing the same.
        """
        self._age_seconds = 0.0
        self._wake(self._read_wanted)

    def _spawn(self, loop: Callable[[], None]) -> Any:
        def run() -> None:
            enter(f"{self.container.service_name}.relay", None)
            loop()

        return self.container.spawn_managed_thread(run, identifier="relay")

    def _publish_until_stopped(self) -> None:
        while not self._stopping or self._waiting or self._confirms.is_waiting:
            self._wanted.acquire(timeout=self._confirms.seconds_left)
            if self._waiting:
                self._publish_waiting()
                failpoints.reach("outbox.published")
            self._confirms.reset_if_late()

    def _publish_waiting(self) -> None:
        while self._waiting:
            since, event = self._waiting.popleft()
            try:
                if since + LONGEST_WAIT_SECONDS < time.monotonic():
                    raise Unavailable("The message broker is too slow.", code="broker_unavailable")
                self._publish(event, self._settle)
            except Exception as error:
                if not isinstance(error, Unavailable):
                    log.error("relay_failed", exc_info=error)
                self._settle(event, False)

    def _publish(self, event: RecordedEvent, settle: Settle) -> None:
        routing_key, is_durable = topology.event_route(self._contracts, event.type, event.body)
        self._confirms.publish(self._exchange, routing_key, event, is_durable, settle)

    def _settle(self, event: RecordedEvent, confirmed: bool) -> None:
        if confirmed:
            self._sent.add(event.id)
        else:
            self._held.discard(event.id)
        if self._stopping:
            self._wake(self._wanted)

    def _read_periodically(self) -> None:
        while True:
            self._read_wanted.acquire(timeout=self.settings.relay_interval_seconds)
            age, self._age_seconds = self._age_seconds, self.settings.relay_interval_seconds
            self._reader.read(age)

    def _purge_periodically(self) -> None:
        pause = self.settings.relay_interval_seconds
        while True:
            eventlet.sleep(pause)
            try:
                purge(self._database.db, self.settings)
                pause = PURGE_SECONDS
            except Exception as error:
                log.warning("purge_postponed", error=str(error))
                pause = self.settings.relay_interval_seconds

    def _wake(self, wanted: Semaphore) -> None:
        if wanted.counter == 0:
            wanted.release()


class Relay(DependencyProvider):  # type: ignore[misc]
    """Makes a service publish: `relay = Relay()` on its class starts the worker."""

    worker = RelayWorker()

    def get_dependency(self, worker_ctx: Any) -> None:
        """Returns None: events are recorded with `outbox.record`, never published directly."""
