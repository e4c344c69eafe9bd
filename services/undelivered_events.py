"""Undelivered events: one owner's outbox compared with one consumer's inbox, in bounded memory."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, or_, select, true, union_all

from chassis.storage.tables import FAILED_EVENTS, INBOX, OUTBOX
from kit.contracts import EVERY, Event
from kit.settings import Settings

MARGIN = timedelta(days=1)
BATCH = 5000
AFTER_ALL = "~"  # sorts after every id


def is_within_retention(settings: Settings) -> ColumnElement[bool]:
    """Whether every inbox still holds a row for an event of the outbox that it processed.

    An event is never processed before it is recorded. The time of sending does not matter: it may have
    been sent again since.
    """
    return OUTBOX.c.created_at > func.now() - (timedelta(days=settings.retention_days) - MARGIN)


def is_for(event: Event, consumer: str) -> ColumnElement[bool]:
    """Whether a row of the outbox with this type is delivered to a consumer, as `Event.is_for` says."""
    outcomes = event.outcomes_of(consumer)
    if event.outcome is None or outcomes == EVERY:
        return true()
    outcome = OUTBOX.c.body[event.outcome].astext
    return or_(outcome.is_(None), outcome.in_([f"{value}" for value in outcomes]))


def find_undelivered(
    owner: Connection,
    reader: Connection,
    event: Event,
    consumer: str,
    settings: Settings,
    *where: ColumnElement[bool],
) -> Iterator[Row[Any, Any, Any]]:
    """Yields the sent events for a consumer that it has neither processed nor stored as failed: `id`,
    `event_id`, `sent_at`.

    `owner` and `reader` are connections to the databases of the event's owner and of the consumer. Both
    tables are read in the order of their ids, a batch at a time.
    """
    sent = (
        select(OUTBOX.c.id, OUTBOX.c.event_id, OUTBOX.c.sent_at)
        .where(OUTBOX.c.type == event.type, OUTBOX.c.sent_at.is_not(None))
        .where(is_for(event, consumer), is_within_retention(settings), *where)
        .order_by(OUTBOX.c.event_id)
    )
    rows = owner.execute(sent, execution_options={"yield_per": BATCH})
    # Read after the outbox, so that no processed event seems undelivered.
    known = _known(reader, f"{event.owner}.{event.type}")
    latest = ""
    for row in rows:
        while latest < row.event_id:
            latest = next(known, AFTER_ALL)
        if latest != row.event_id:
            yield row


def _known(reader: Connection, name: str) -> Iterator[str]:
    tables = (INBOX, FAILED_EVENTS)
    known = union_all(*(select(table.c.event_id).where(table.c.consumer == name) for table in tables))
    return iter(reader.scalars(known.order_by("event_id"), execution_options={"yield_per": BATCH}))
