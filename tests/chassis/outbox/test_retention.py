"""Old rows go, in transactions of bounded size, on one process at a time; what is needed stays."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from chassis.storage import retention
from chassis.storage.database import Db
from chassis.storage.retention import PURGE_LOCK, purge
from kit.settings import Settings, load

pytestmark = pytest.mark.servers

SETTINGS = load(Settings, retention_days=30, idempotency_hours=24)
OLD, YOUNG = "now() - interval '31 days'", "now()"


class Counting:
    """A database that counts transactions, and rows that each of them deletes."""

    def __init__(self, db: Db) -> None:
        self._db = db
        self.deleted: list[int] = []

    def write(self, effect: Callable[[Any], Any]) -> Any:
        before = self._rows()
        result = self._db.write(effect)
        self.deleted.append(before - self._rows())
        return result

    def _rows(self) -> int:
        count = "SELECT " + " + ".join(
            f"(SELECT count(*) FROM {table})" for table in ("outbox", "inbox", "idempotency")
        )
        return int(self._db.read(lambda c: c.execute(sa.text(count)).scalar_one()))


def _fill(db: Db, number: int, at: str) -> None:
    """So many sent events, inbox rows and answers of that time."""
    statements = (
        "INSERT INTO outbox (event_id, type, body, created_at, sent_at)"
        f" SELECT gen_random_uuid(), 'thing_done', '{{}}', {at}, {at} FROM generate_series(1, {number})",
        "INSERT INTO inbox (consumer, event_id, processed_at)"
        f" SELECT 'echo.thing_done', gen_random_uuid(), {at} FROM generate_series(1, {number})",
        "INSERT INTO idempotency (scope, key, fingerprint, created_at)"
        f" SELECT 'me', gen_random_uuid(), '', {at} FROM generate_series(1, {number})",
    )
    db.write(lambda c: [c.execute(sa.text(statement)) for statement in statements])


def _counts(db: Db) -> list[int]:
    count = "SELECT count(*) FROM {}"
    tables = ("outbox", "inbox", "idempotency")
    return db.read(lambda c: [int(c.execute(sa.text(count.format(t))).scalar_one()) for t in tables])


def test_old_rows_go_in_batches_and_young_ones_stay(db: Db, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 10)
    _fill(db, 35, OLD)
    _fill(db, 12, YOUNG)
    counting = Counting(db)
    purge(counting, SETTINGS)  # type: ignore[arg-type]
    assert _counts(db) == [12, 12, 12]
    assert max(counting.deleted) == 10
    assert sum(counting.deleted) == 3 * 35
    purge(counting, SETTINGS)  # type: ignore[arg-type]
    assert counting.deleted[-3:] == [0, 0, 0], "a look at each table, and no more"


def test_events_that_are_unsent_or_were_sent_again_stay(db: Db, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    insert = sa.text(
        "INSERT INTO outbox (event_id, type, body, created_at, sent_at) VALUES (:id, :type, '{}', "
        f"{OLD}, CASE :type WHEN 'unsent' THEN NULL WHEN 'again' THEN now() ELSE {OLD} END)"
    )
    types = ["unsent", "again", "unsent", "sent", "unsent", "sent", "again", "sent"]
    db.write(lambda c: c.execute(insert, [{"id": str(uuid.uuid4()), "type": type_} for type_ in types]))
    purge(db, SETTINGS)
    left = db.read(lambda c: c.execute(sa.text("SELECT type FROM outbox ORDER BY id")).scalars().all())
    assert left == ["unsent", "again", "unsent", "unsent", "again"]


def test_nothing_is_purged_while_another_process_does(db: Db) -> None:
    _fill(db, 5, OLD)

    def other(connection: sa.Connection) -> None:
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": PURGE_LOCK})
        purge(db, SETTINGS)

    db.write(other)
    assert _counts(db) == [5, 5, 5]
    purge(db, SETTINGS)
    assert _counts(db) == [0, 0, 0]
