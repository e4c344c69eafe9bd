"""What the in-process broker forgot: events that were on their way when the process ended."""

from collections.abc import Iterable
from contextlib import ExitStack, closing

from sqlalchemy import Engine, update

from chassis.storage.database import make_engine
from chassis.storage.tables import OUTBOX
from kit.contracts import Event
from kit.settings import Settings
from services.undelivered_events import lacking


def resend_lost_events(settings: Settings, events: Iterable[Event]) -> int:
    """Marks unsent every event that some durable consumer has not taken; the relay does the rest.

    Call it while nothing runs. Consumers that have the event already ignore it by their inbox, so
    it may be called too often, but never for events older than inboxes remember. Returns how many.
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
            _resend(event, engine(event.owner), [engine(name) for name in event.consumers], settings)
            for event in durable
        )


def _resend(event: Event, owner: Engine, consumers: Iterable[Engine], settings: Settings) -> int:
    with owner.begin() as connection:
        lost: set[int] = set()
        for consumer in consumers:
            with closing(consumer.connect()) as reader:
                lost |= {row.id for row in lacking(connection, reader, event, settings)}
        if lost:
            connection.execute(update(OUTBOX).where(OUTBOX.c.id.in_(lost)).values(sent_at=None))
    return len(lost)
