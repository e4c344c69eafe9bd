"""The audit finds every kind of damage, and nothing when there is none."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Connection, text

from kit.errors import Unavailable
from kit.settings import Settings
from services.payments.ledger import audit
from services.payments.ledger import checks as ledger_checks
from services.payments.ledger.audit import FINDINGS, FINISHED, audit_nightly
from tests.payments.testbed import PaymentsTestbed, started
from tests.support.placed_orders import euros

PAID = "(SELECT id FROM payments WHERE status = 'paid' LIMIT 1)"
DAMAGE = {
    "currency_does_not_sum_to_zero": "UPDATE ledger_entries SET amount_minor = amount_minor + 1"
    " WHERE account = 'platform_fee'",
    "movement_does_not_balance": "DELETE FROM ledger_entries WHERE account = 'platform_fee'",
    "movement_without_entries": "DELETE FROM ledger_entries",
    "paid_order_without_one_capture": "DELETE FROM ledger_movements WHERE kind = 'capture'",
    "capture_without_paid_payment": f"UPDATE payments SET paid_at = NULL WHERE id = {PAID}",
    "payment_differs_from_ledger": f"UPDATE payments SET amount_minor = 4501 WHERE id = {PAID}",
    "fee_differs_from_ledger": f"UPDATE payments SET fee_minor = 451 WHERE id = {PAID}",
    "balance_differs_from_ledger": "UPDATE balances SET available_minor = available_minor + 1",
    "payout_differs_from_ledger": "UPDATE payouts SET amount_minor = amount_minor + 1",
    "receivable_differs_from_payment": "UPDATE dues SET payment_status = 'due'",
    "processor_differs": "UPDATE sandbox.charges SET refunded_minor = refunded_minor + 1",
}


@pytest.fixture(scope="module")
def business(servers: Settings) -> Iterator[PaymentsTestbed]:
    """A service where something was paid, refunded, released and paid out."""
    with started() as (harness, orders, chosen):
        testbed = PaymentsTestbed(harness, orders, chosen)
        first = testbed.paid()
        testbed.refund(testbed.paid(), euros(100))
        testbed.release(first)
        testbed.pay_out(euros(1000))
        testbed.pay(testbed.order(), "sandbox_timeout")
        yield testbed


@pytest.mark.parametrize("rows", [1, 2, 5_000])
def test_a_clean_ledger_has_no_findings(
    business: PaymentsTestbed, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_checks, "ROWS", rows)
    assert business.findings() == []


@pytest.mark.parametrize("check", DAMAGE)
@pytest.mark.parametrize("rows", [1, 5_000])
def test_damage_is_found(
    business: PaymentsTestbed, check: str, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Constraints and triggers are off, and the damage is rolled back afterwards."""
    monkeypatch.setattr(ledger_checks, "ROWS", rows)
    engine = business.payments.engine
    with engine.connect() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text("SET CONSTRAINTS ALL DEFERRED"))
        _drop_checks(connection)
        connection.execute(text(DAMAGE[check]))
        found = _findings_on(business, connection, monkeypatch)
        connection.rollback()
    assert check in found
    assert business.findings() == []


def _drop_checks(connection: Connection) -> None:
    checks = connection.execute(
        text(
            "SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE contype = 'c'"
            " AND connamespace = 'public'::regnamespace"
        )
    )
    for table, name in checks.all():
        connection.execute(text(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"'))


def _findings_on(
    business: PaymentsTestbed, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> set[str]:
    class OneConnection:
        def read(self, query: Any) -> Any:
            return query(connection)

    context = business.context
    looking = type(context)(OneConnection(), context.processor, context.settings)  # type: ignore[arg-type]
    with monkeypatch.context() as patch:
        patch.setattr(context.processor, "_db", OneConnection())
        return {finding["check"] for finding in audit.audit_ledger(looking)}


def test_the_nightly_audit_runs_once_a_day_and_shows_what_it_found(
    business: PaymentsTestbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "AUDIT_HOUR", 0)
    business.payments.execute(
        "INSERT INTO processor_events (processor, event_id, taken_at)"
        " SELECT 'sandbox', 'old ' || n, now() - interval '91 days' FROM generate_series(1, :several) AS n"
        " UNION ALL SELECT 'sandbox', 'new', now()",
        several=2 * audit.PURGE_BATCH + 1,
    )
    runs: list[int] = []

    def find_violations(_context: object, changed_since: object) -> list[dict[str, str]]:
        runs.append(1)
        return [{"check": "c", "subject": "s", "detail": "d"}]

    monkeypatch.setattr(audit, "audit_ledger", find_violations)
    for _ in range(2):
        audit_nightly(business.context)
    assert len(runs) == 1
    known = business.payments.execute("SELECT event_id FROM processor_events")
    assert [row.event_id for row in known] == ["new"]
    assert FINDINGS._value.get() == 1
    days = business.payments.execute("SELECT day, findings FROM ledger_audits")
    assert [(row.day, len(row.findings)) for row in days] == [(datetime.now(UTC).date(), 1)]


def test_before_the_hour_nothing_is_audited(
    business: PaymentsTestbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "AUDIT_HOUR", 25)
    monkeypatch.setattr(audit, "audit_ledger", lambda _context, changed_since: pytest.fail("it is not night"))
    audit_nightly(business.context)


def test_a_check_that_could_not_run_is_a_finding(
    business: PaymentsTestbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_slow(*_: object) -> object:
        raise Unavailable("The database took too long.", code="database_timeout")

    monkeypatch.setattr(audit, "violations_in_range", too_slow)
    monkeypatch.setattr(business.context.processor, "record_of", too_slow)
    checks = {check for walk in ledger_checks.WALKS for check in walk.checks}
    findings = business.findings()
    assert {finding["subject"] for finding in findings} == {*checks, "processor_differs"}
    assert {finding["check"] for finding in findings} == {"check_not_run"}
    assert "took too long" in findings[0]["detail"]


def test_an_audit_that_never_ended_is_begun_again(
    business: PaymentsTestbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "AUDIT_HOUR", 0)
    monkeypatch.setattr(audit, "audit_ledger", lambda _context, changed_since: [])
    business.payments.execute("DELETE FROM ledger_audits")
    begun = "INSERT INTO ledger_audits (day, started_at) VALUES (CAST(:day AS date), now())"
    business.payments.execute(begun, day=datetime.now(UTC).date().isoformat())
    audit_nightly(business.context)
    assert finished(business) == []
    business.payments.execute("UPDATE ledger_audits SET started_at = now() - interval '7 hours'")
    audit_nightly(business.context)
    assert finished(business) == [datetime.now(UTC).date()]
    assert abs(FINISHED._value.get() - datetime.now(UTC).timestamp()) < 60
    assert FINDINGS._value.get() == 0


def test_at_night_the_processor_is_asked_about_what_changed_since_the_last_clean_audit(
    business: PaymentsTestbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "AUDIT_HOUR", 0)
    asked: list[datetime] = []

    def ask(_context: object, since: datetime) -> list[object]:
        asked.append(since)
        return []

    monkeypatch.setattr(audit, "_compare_with_processor", ask)
    for findings, expected in (("[]", 2), ('[{"check": "c"}]', 9)):
        business.payments.execute("DELETE FROM ledger_audits")
        for days, found in ((8, "[]"), (1, findings)):
            business.payments.execute(
                "INSERT INTO ledger_audits (day, started_at, finished_at, findings) VALUES"
                " (CURRENT_DATE - CAST(:days AS int), now() - CAST(:days AS int) * interval '1 day', now(),"
                " CAST(:found AS jsonb))",
                days=days,
                found=found,
            )
        audit_nightly(business.context)
        age = datetime.now(UTC) - asked[-1]
        assert age.days == expected


def finished(business: PaymentsTestbed) -> list[object]:
    rows = business.payments.execute("SELECT day FROM ledger_audits WHERE finished_at IS NOT NULL")
    return [row.day for row in rows]
