"""Retention of sent events, inbox rows and stored answers: in batches, on one replica at a time."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, CursorResult, TextClause, text

from chassis.storage.database import Db
from kit.settings import Settings

BATCH = 1000
PURGE_LOCK = 0x6D74_7075

_TRY_LOCK = text("SELECT pg_try_advisory_xact_lock(:key)")
# By id from the oldest: sent rows have no index of their own. The walk ends at the first batch whose
# last row is younger than what is deleted; a row is never sent before it is recorded.
_PURGE_OUTBOX = text("""
    WITH walked AS (SELECT id, created_at FROM outbox WHERE id > :after ORDER BY id LIMIT :batch),
    purged AS (DELETE FROM outbox USING walked WHERE outbox.id = walked.id AND outbox.sent_at < :old)
    SELECT id FROM walked WHERE created_at < :old ORDER BY id DESC LIMIT 1
""")
_PURGE_INBOX = text("""
    DELETE FROM inbox WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM inbox WHERE processed_at < :old ORDER BY processed_at LIMIT :batch))
""")
_PURGE_ANSWERS = text("""
    DELETE FROM idempotency WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM idempotency WHERE created_at < :old ORDER BY created_at LIMIT :batch))
""")


def purge(db: Db, settings: Settings) -> None:
    """Deletes rows past their retention, 1,000 to a transaction. Unsent and failed events stay for ever.

    Does nothing while another process purges the same database.
    """
    now = datetime.now(UTC)
    old = now - timedelta(days=settings.retention_days)
    stale = now - timedelta(hours=settings.idempotency_hours)
    after: int | None = 0
    while after is not None:
        parameters = {"old": old, "after": after}
        after = _run_alone(db, _PURGE_OUTBOX, parameters, lambda result: result.scalar())
    for statement, before in ((_PURGE_INBOX, old), (_PURGE_ANSWERS, stale)):
        while _run_alone(db, statement, {"old": before}, lambda result: result.rowcount) == BATCH:
            pass


def _run_alone(
    db: Db,
    statement: TextClause,
    parameters: Mapping[str, Any],
    read: Callable[[CursorResult[Any]], int | None],
) -> int | None:
    def effect(connection: Connection) -> int | None:
        if not connection.execute(_TRY_LOCK, {"key": PURGE_LOCK}).scalar():
            return None
        return read(connection.execute(statement, {**parameters, "batch": BATCH}))

    return db.write(effect)
