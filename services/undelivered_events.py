"""What has reached whom: one owner's outbox compared with one consumer's inbox, however long they are."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, select, union_all

from chassis.storage.tables import FAILED_EVENTS, INBOX, OUTBOX
from kit.contracts import Event
from kit.settings import Settings

MARGIN = timedelta(days=1)
AT_ONCE = 5000
AFTER_ALL = "~"  # sorts after every id


def is_remembered(settings: Settings) -> ColumnElement[bool]:
    """Whether every inbox still knows whether it took an event of the outbox.

    An event is never taken before it is recorded. When it was sent says nothing: it may have been
    sent again since.
    """
    return OUTBOX.c.created_at > func.now() - (timedelta(days=settings.retention_days) - MARGIN)


def lacking(
    owner: Connection, consumer: Connection, event: Event, settings: Settings, *where: ColumnElement[bool]
) -> Iterator[Row[Any, Any, Any]]:
    """The sent events that a consumer has neither taken nor kept as failed: `id`, `event_id`, `sent_at`.

    Both sides are read in the order of their ids, a piece at a time.
    """
    sent = (
        select(OUTBOX.c.id, OUTBOX.c.event_id, OUTBOX.c.sent_at)
        .where(OUTBOX.c.type == event.type, OUTBOX.c.sent_at.is_not(None), is_remembered(settings), *where)
        .order_by(OUTBOX.c.event_id)
    )
    rows = owner.execute(sent, execution_options={"yield_per": AT_ONCE})
    # Looked at after the outbox, so that nothing seems lost that is not.
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
    return iter(consumer.scalars(known.order_by("event_id"), execution_options={"yield_per": AT_ONCE}))
