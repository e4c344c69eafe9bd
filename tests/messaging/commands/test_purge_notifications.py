"""Notifications are removed past their retention: in bounded batches, by one replica at a time."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from kit.settings import BadSetting, Settings, load
from kit.time_ordered_ids import first_id_at
from services.messaging.commands import purge_notifications as purging
from services.messaging.settings import MessagingSettings
from tests.support.service_harness import Harness, make_service

STORE = """
    INSERT INTO notifications (id, cause_id, recipient_id, type, actor_name, data, created_at, read_at)
    SELECT CAST(lpad(to_hex(:milliseconds + n), 12, '0') || '7000'
                || CASE WHEN :read THEN '8' ELSE '9' END || '000000000000000' AS uuid),
           gen_random_uuid(), gen_random_uuid(), 'order_approved', 'Ada', '{}',
           to_timestamp((:milliseconds + n) / 1000.0), CASE WHEN :read THEN now() END
    FROM generate_series(1, :count) AS n
"""
LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('purge notifications', 0))"


@pytest.fixture
def messaging(servers: Settings) -> Iterator[Harness]:
    """A database of its own: a purge looks at all of it."""
    with make_service("messaging") as harness:
        yield harness


def store(messaging: Harness, days_ago: float, read: bool, count: int = 1) -> None:
    moment = datetime.now(UTC) - timedelta(days=days_ago)
    milliseconds = int(moment.timestamp() * 1000) - count
    messaging.execute(STORE, milliseconds=milliseconds, read=read, count=count)


def ages(messaging: Harness) -> list[tuple[int, bool]]:
    """Days since their creation, and whether they were read; newest first."""
    rows = messaging.execute(
        "SELECT round(extract(epoch FROM now() - created_at) / 86400), read_at IS NOT NULL"
        " FROM notifications ORDER BY id DESC"
    )
    return [(int(days), read) for days, read in rows]


def test_read_ones_go_after_180_days_and_all_after_400(messaging: Harness) -> None:
    for days in (1, 179, 181, 399, 401, 900):
        store(messaging, days, read=True)
        store(messaging, days, read=False)
    messaging.tick("purge_notifications")
    assert ages(messaging) == [
        (1, False), (1, True), (179, False), (179, True), (181, False), (399, False),
    ]  # fmt: skip
    messaging.tick("purge_notifications")
    assert len(ages(messaging)) == 6


def test_a_batch_is_bounded_and_those_that_stay_are_passed_over(messaging: Harness) -> None:
    store(messaging, 500, read=False, count=2 * purging.BATCH)
    store(messaging, 300, read=False, count=purging.BATCH + 7)
    store(messaging, 200, read=True, count=purging.BATCH)
    removed: list[int] = []
    sa.event.listen(
        messaging.engine,
        "commit",
        lambda connection: removed.append(
            connection.exec_driver_sql("SELECT count(*) FROM notifications").scalar_one()
        ),
    )
    messaging.tick("purge_notifications")
    counts = [5 * purging.BATCH + 7 - purging.BATCH, *removed]
    assert all(0 <= before - after <= purging.BATCH for before, after in zip(counts, removed, strict=False))
    assert {(days, read) for days, read in ages(messaging)} == {(300, False)}
    assert len(ages(messaging)) == purging.BATCH + 7


def test_while_another_replica_purges_nothing_is_done(messaging: Harness) -> None:
    store(messaging, 500, read=True)
    with messaging.engine.begin() as other:
        other.exec_driver_sql(LOCK)
        messaging.tick("purge_notifications")
        assert len(ages(messaging)) == 1
    messaging.tick("purge_notifications")
    assert ages(messaging) == []


def test_a_batch_reads_the_primary_key_only(messaging: Harness) -> None:
    store(messaging, 300, read=False, count=20_000)
    messaging.execute("ANALYZE notifications")
    now = datetime.now(UTC)
    bounds = {
        "after": first_id_at(now - timedelta(days=301)),
        "expired": first_id_at(now - timedelta(days=400)),
        "read_expired": first_id_at(now - timedelta(days=180)),
        "batch": purging.BATCH,
    }
    compiled = purging.PURGE_BATCH.compile(dialect=messaging.engine.dialect)
    with messaging.engine.begin() as connection:
        plan: Any = connection.exec_driver_sql(
            f"EXPLAIN (ANALYZE, FORMAT JSON) {compiled}", compiled.construct_params(bounds)
        ).scalar_one()
    nodes = list(nodes_of(plan[0]["Plan"]))
    scans = [
        node for node in nodes if node.get("Relation Name") == "notifications" and "Scan" in node["Node Type"]
    ]
    assert all(node["Node Type"].startswith("Index") for node in scans), scans
    assert {node["Index Name"] for node in nodes if "Index Name" in node} == {"notifications_pkey"}
    assert sum(node["Actual Rows"] * node["Actual Loops"] for node in scans) <= 2 * purging.BATCH


def nodes_of(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", []):
        yield from nodes_of(part)


def test_read_ones_are_not_kept_for_longer_than_all() -> None:
    with pytest.raises(BadSetting, match="READ_NOTIFICATION_DAYS"):
        load(MessagingSettings, read_notification_days=500)
    assert load(MessagingSettings).retention == timedelta(days=400)
