"""The relay: publishes what the outbox holds, in batches, and marks as sent what the broker confirmed.

Commits wake it, and it polls every few seconds. Rows are locked with `SKIP LOCKED`, so replicas
share the work. A row stays unsent until its confirm, so an event may be published twice; the
consumers' inboxes make that harmless.
"""

import json
from collections.abc import Sequence
from functools import partial
from typing import Any

import eventlet
import structlog
from eventlet.event import Event as GreenEvent
from nameko.extensions import DependencyProvider
from sqlalchemy import Connection, func, select, update

from chassis.amqp import topology
from chassis.amqp.connection import PERSISTENT, AmqpConnection, AmqpExtension, Channel
from chassis.runtime import failpoints
from chassis.runtime.context import HEADER_PREFIX, enter
from chassis.storage.database import Database
from chassis.storage.retention import purge
from chassis.storage.tables import OUTBOX
from kit import metrics
from kit.errors import Unavailable

log = structlog.get_logger(__name__)

BATCH = 100
CONFIRM_SECONDS = 4.0
PURGE_SECONDS = 3600.0


class Confirms:
    """The publisher confirms of a channel: which of its messages the broker has accepted."""

    def __init__(self, amqp: AmqpConnection) -> None:
        self._amqp = amqp
        self._published = 0
        self._waiting: set[int] = set()
        self._nacked: set[int] = set()
        self._returned: set[str] = set()
        self._lost = False
        self._changed = GreenEvent()
        amqp.on_connect(self._on_connect)
        amqp.on_disconnect(self._on_disconnect)

    def _on_connect(self, channel: Channel) -> None:
        channel.confirm_select()
        channel.events["basic_ack"].add(self._settle)
        channel.events["basic_nack"].add(self._on_nack)
        channel.events["basic_return"].add(self._on_return)
        self._published = 0

    def publish(self, exchange: str, routing_key: str, event: Any, mandatory: bool) -> int:
        """Publishes one row of the outbox; returns its delivery tag.

        Raises: Unavailable when the broker does not accept messages.
        """
        headers = {HEADER_PREFIX + name: value for name, value in event.context.items()}
        tag = self._published + 1
        self._waiting.add(tag)
        self._amqp.publish(
            exchange,
            routing_key,
            json.dumps(event.body, separators=(",", ":")),
            headers,
            mandatory=mandatory,
            delivery_mode=PERSISTENT,
            message_id=event.event_id,
        )
        self._published = tag  # the broker numbers only what was written
        return tag

    def wait(self) -> None:
        """Waits until every published message is settled.

        Raises: Unavailable when the broker does not answer in time or the connection is lost.
        """
        with eventlet.Timeout(CONFIRM_SECONDS, False):
            while self._waiting and not self._lost:
                self._changed.wait()
        if self._waiting and not self._lost:
            self._amqp.reset()
        if self._lost:
            raise Unavailable("The broker did not confirm.", code="broker_unavailable")

    def is_confirmed(self, tag: int, event_id: str) -> bool:
        """Whether the broker has accepted a message and routed it."""
        return tag not in self._nacked and event_id not in self._returned

    def start_batch(self) -> None:
        """Clears the state of earlier batches. A batch never spans connections: each numbers from 1."""
        self._lost = False
        self._waiting.clear()
        self._nacked.clear()
        self._returned.clear()

    def _on_nack(self, tag: int, multiple: bool) -> None:
        self._nacked.update(self._settle(tag, multiple))

    def _on_return(self, _error: Any, exchange: str, routing_key: str, message: Any) -> None:
        log.error(
            "event_unroutable", exchange=exchange, routing_key=routing_key, hint="run microtasks migrate"
        )
        self._returned.add(message.properties.get("message_id", ""))

    def _settle(self, tag: int, multiple: bool) -> set[int]:
        settled = {known for known in self._waiting if known <= tag} if multiple else {tag}
        self._waiting -= settled
        if not self._waiting:
            self._wake()
        return settled

    def _on_disconnect(self) -> None:
        self._lost = True
        self._wake()

    def _wake(self) -> None:
        changed, self._changed = self._changed, GreenEvent()
        changed.send()


class RelayWorker(AmqpExtension):
    """The greenlet that publishes, on a connection of its own: a blocked connection blocks nothing else."""

    purpose = "relay"

    def __init__(self) -> None:
        super().__init__()
        self._wanted = eventlet.semaphore.Semaphore(0)
        self._stopping = False
        self._loop: Any = None

    def setup(self) -> None:
        """Reads the contracts and subscribes to commits that record events."""
        self.settings = self.container.config["settings"]
        self._contracts = {event.type: event for event in self.container.config["events"]}
        self._confirms = Confirms(self.amqp)
        self._database = next(d for d in self.container.dependencies if isinstance(d, Database))
        self._database.on_recorded(lambda _events: self.wake())
        self.amqp.on_connect(lambda _: self.wake())

    def start(self) -> None:
        """Connects and starts publishing."""
        super().start()
        self._loop = self.container.spawn_managed_thread(self._run, identifier="relay")

    def stop(self) -> None:
        """Publishes what the last calls recorded, then closes the connection."""
        self._stopping = True
        self.wake()
        if self._loop is not None:
            with eventlet.Timeout(CONFIRM_SECONDS, False):
                self._loop.wait()
        super().stop()

    def wake(self) -> None:
        """Makes the relay poll the outbox now."""
        if self._wanted.counter == 0:
            self._wanted.release()

    def _run(self) -> None:
        enter(f"{self.container.service_name}.relay", None)
        seconds_since_purge = PURGE_SECONDS
        while True:
            self._wanted.acquire(timeout=self.settings.relay_interval_seconds)
            is_last_poll = self._stopping  # what is recorded during one poll is left to the next
            self._drain()
            if is_last_poll:
                return
            seconds_since_purge += self.settings.relay_interval_seconds
            if seconds_since_purge >= PURGE_SECONDS and self._purge():
                seconds_since_purge = 0.0

    def _drain(self) -> None:
        try:
            last: int | None = 0
            while last is not None and self.amqp.is_ready:
                last = self._database.db.write(partial(self._publish_batch, last))
        except Unavailable as error:
            log.warning("relay_blocked", error=error.detail)
        except Exception as error:
            log.error("relay_failed", exc_info=error)

    def _publish_batch(self, after: int, connection: Connection) -> int | None:
        # Rows that the broker does not confirm stay unsent; the rows after them are published all the same.
        rows = connection.execute(
            select(OUTBOX.c.id, OUTBOX.c.event_id, OUTBOX.c.type, OUTBOX.c.body, OUTBOX.c.context)
            .where(OUTBOX.c.sent_at.is_(None), OUTBOX.c.id > after)
            .order_by(OUTBOX.c.id)
            .limit(BATCH)
            .with_for_update(skip_locked=True)
        ).all()
        if rows:
            self._publish(connection, rows)
        return rows[-1].id if len(rows) == BATCH else None

    def _publish(self, connection: Connection, rows: Sequence[Any]) -> None:
        exchange = topology.events_exchange(self.settings, self.container.service_name)
        self._confirms.start_batch()
        tags = []
        for row in rows:
            routing_key, is_durable = topology.event_route(self._contracts, row.type, row.body)
            tags.append(self._confirms.publish(exchange, routing_key, row, is_durable))
        failpoints.reach("outbox.published")
        self._confirms.wait()
        failpoints.reach("outbox.confirmed")
        sent = [
            row for tag, row in zip(tags, rows, strict=True) if self._confirms.is_confirmed(tag, row.event_id)
        ]
        for row in sent:
            metrics.EVENTS_PUBLISHED.labels(row.type).inc()
        connection.execute(
            update(OUTBOX).where(OUTBOX.c.id.in_([row.id for row in sent])).values(sent_at=func.now())
        )
        if len(sent) < len(rows):
            log.error("events_unconfirmed", count=len(rows) - len(sent))

    def _purge(self) -> bool:
        try:
            self._database.db.write(lambda connection: purge(connection, self.settings))
        except Exception as error:
            log.warning("purge_postponed", error=str(error))
            return False
        return True


class Relay(DependencyProvider):  # type: ignore[misc]
    """Makes a service publish: `relay = Relay()` on its class starts the worker."""

    worker = RelayWorker()

    def get_dependency(self, worker_ctx: Any) -> None:
        """Returns None: events are recorded with `outbox.record`, never published directly."""
