"""Undelivered events: one owner's outbox compared with one consumer's inbox, in bounded memory."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, select, union_all

from chassis.storage.tables import FAILED_EVENTS, INBOX, OUTBOX
from kit.contracts import Event
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


def find_undelivered(
    owner: Connection, consumer: Connection, event: Event, settings: Settings, *where: ColumnElement[bool]
) -> Iterator[Row[Any, Any, Any]]:
    """Yields the sent events that a consumer has neither processed nor stored as failed: `id`, `event_id`,
    `sent_at`. Both tables are read in the order of their ids, a batch at a time.
    """
    sent = (
        select(OUTBOX.c.id, OUTBOX.c.event_id, OUTBOX.c.sent_at)
        .where(
            OUTBOX.c.type == event.type, OUTBOX.c.sent_at.is_not(None), is_within_retention(settings), *where
        )
        .order_by(OUTBOX.c.event_id)
    )
    rows = owner.execute(sent, execution_options={"yield_per": BATCH})
    # Read after the outbox, so that no processed event seems undelivered.
    known = _known(consumer, f"{event.owner}.{event.type}")
    latest = ""
    for row in rows:
        while latest < row.event_id:
            latest = next(known, AFTER_ALL)
        if latest != row.event_id:
            yield row


def _known(consumer: Connection, name: str) -> Iterator[str]:
    tables = (INBOX, FAILED_EVENTS)
    known = union_all(*(select(table.c.event_id).where(table.c.consumer == name) for table in tables))
    return iter(consumer.scalars(known.order_by("event_id"), execution_options={"yield_per": BATCH}))
