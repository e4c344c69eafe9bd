"""What the in-process broker forgot: events that were on their way when the process ended."""

from collections.abc import Iterable
from contextlib import ExitStack, closing
from datetime import timedelta

from sqlalchemy import Engine, func, select, union, update

from chassis.contracts import Event
from chassis.database import make_engine
from chassis.settings import Settings
from chassis.tables import FAILED_EVENTS, INBOX, OUTBOX

MARGIN = timedelta(days=1)


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

        oldest = timedelta(days=settings.retention_days) - MARGIN
        durable = [event for event in events if event.consumers]
        return sum(
            _resend(event, engine(event.owner), [engine(name) for name in event.consumers], oldest)
            for event in durable
        )


def _resend(event: Event, owner: Engine, consumers: Iterable[Engine], oldest: timedelta) -> int:
    recent = (OUTBOX.c.type == event.type, OUTBOX.c.sent_at > func.now() - oldest)
    with owner.begin() as connection:
        sent = set(connection.scalars(select(OUTBOX.c.event_id).where(*recent)))
        lost = set().union(*(sent - _taken(event, consumer) for consumer in consumers))
        if lost:
            connection.execute(update(OUTBOX).where(OUTBOX.c.event_id.in_(lost)).values(sent_at=None))
    return len(lost)


def _taken(event: Event, consumer: Engine) -> set[str]:
    name = f"{event.owner}.{event.type}"
    known = union(
        select(INBOX.c.event_id).where(INBOX.c.consumer == name),
        select(FAILED_EVENTS.c.event_id).where(FAILED_EVENTS.c.consumer == name),
    )
    with closing(consumer.connect()) as connection:
        return set(connection.scalars(known))
