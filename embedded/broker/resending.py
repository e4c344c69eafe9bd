"""Resends events that were in the in-process broker, which is not durable, when the process ended."""

from collections.abc import Iterable, Mapping
from contextlib import ExitStack, closing

from sqlalchemy import Engine, update

from chassis.storage.database import make_engine
from chassis.storage.tables import OUTBOX
from kit.contracts import Event
from kit.settings import Settings
from services.undelivered_events import find_undelivered


def resend_lost_events(settings: Settings, events: Iterable[Event]) -> int:
    """Marks as unsent every event that a durable consumer has not processed; the relay publishes them again.

    Call it while no service runs. Inboxes ignore events that were processed, so it may be called repeatedly,
    but never for events older than the retention of inboxes. Returns the number of events.
    """
    with ExitStack() as stack:
        engines: dict[str, Engine] = {}

        def engine(service: str) -> Engine:
            if service not in engines:
                engines[service] = make_engine(settings, service)
                stack.callback(engines[service].dispose)
            return engines[service]

        durable = [event for event in events if event.consumers]
        return sum(
            _resend(event, engine(event.owner), {name: engine(name) for name in event.consumers}, settings)
            for event in durable
        )


def _resend(event: Event, owner: Engine, consumers: Mapping[str, Engine], settings: Settings) -> int:
    with owner.begin() as connection:
        lost: set[int] = set()
        for name, engine in consumers.items():
            with closing(engine.connect()) as reader:
                lost |= {row.id for row in find_undelivered(connection, reader, event, name, settings)}
        if lost:
            connection.execute(update(OUTBOX).where(OUTBOX.c.id.in_(lost)).values(sent_at=None))
    return len(lost)
