"""Retention of sent events, inbox rows and stored answers."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, delete

from chassis.storage.tables import IDEMPOTENCY, INBOX, OUTBOX
from kit.settings import Settings


def purge(connection: Connection, settings: Settings) -> None:
    """Deletes rows past their retention. Unsent and failed events are never deleted."""
    old = (now := datetime.now(UTC)) - timedelta(days=settings.retention_days)
    connection.execute(delete(OUTBOX).where(OUTBOX.c.sent_at < old))
    connection.execute(delete(INBOX).where(INBOX.c.processed_at < old))
    stale = now - timedelta(hours=settings.idempotency_hours)
    connection.execute(delete(IDEMPOTENCY).where(IDEMPOTENCY.c.created_at < stale))
