"""Removing old notifications. Their ids are time-ordered, so the primary key finds them by age."""

from datetime import UTC, datetime
from functools import partial

from sqlalchemy import Connection, Uuid, bindparam, text

from chassis.storage.database import Db
from kit.time_ordered_ids import first_id_at
from services.messaging.settings import MessagingSettings

BATCH = 1000
FIRST_ID = "00000000-0000-0000-0000-000000000000"

# Another replica that purges meanwhile holds the lock: this one then has nothing to do.
_LOCK = text("SELECT pg_try_advisory_xact_lock(hashtextextended('purge notifications', 0))")
_ID = Uuid(as_uuid=False)
# CASE instead of OR: no other index than the primary key's can then be read, whatever its size.
PURGE_BATCH = (
    text("""
        WITH batch AS (
            SELECT id FROM notifications WHERE id > :after AND id < :read_expired ORDER BY id LIMIT :batch
        ), last AS (
            SELECT id FROM batch ORDER BY id DESC LIMIT 1
        ), purged AS (
            DELETE FROM notifications
            WHERE id > :after AND id <= (SELECT id FROM last)
            AND CASE WHEN id < :expired THEN true ELSE read_at IS NOT NULL END
        )
        SELECT id FROM last
    """)
    .bindparams(*(bindparam(name, type_=_ID) for name in ("after", "expired", "read_expired")))
    .columns(id=_ID)
)


def purge_notifications(db: Db, settings: MessagingSettings) -> None:
    """Removes read and all notifications past their retention, a batch to a transaction."""
    now = datetime.now(UTC)
    expired, read_expired = (
        first_id_at(now - settings.retention),
        first_id_at(now - settings.retention_of_read),
    )
    after: str | None = FIRST_ID
    while after is not None:
        after = db.write(partial(_purge_batch, after=after, expired=expired, read_expired=read_expired))


def _purge_batch(connection: Connection, after: str, expired: str, read_expired: str) -> str | None:
    """Returns the last notification it looked at, None when there are no more, or another replica works."""
    if not connection.scalar(_LOCK):
        return None
    bounds = {"after": after, "expired": expired, "read_expired": read_expired, "batch": BATCH}
    last: str | None = connection.scalar(PURGE_BATCH, bounds)
    return last
