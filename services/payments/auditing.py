"""The audit of the ledger: what must always hold, looked at once a night and whenever somebody asks.

Each finding names what is wrong, so that a person can act; an empty list is a clean audit.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from prometheus_client import Gauge
from sqlalchemy import Connection, delete, select, text, update
from sqlalchemy.dialects.postgresql import insert

from services.payments.models import AUDITS, DUES, PAYMENTS, PROCESSOR_EVENTS
from services.payments.paying import OPEN, wish_of
from services.payments.processor import ChargeRecord, NoAnswer
from services.payments.rendering import Json
from services.payments.till import Till

log = structlog.get_logger(__name__)
FINDINGS = Gauge("microtasks_ledger_findings", "What the last audit of the ledger found wrong")
AUDIT_HOUR = 3
PAGE = 500
EVENTS_KEPT = timedelta(days=90)  # no processor posts one again after that

CHECKS: dict[str, str] = {
    "currency_does_not_sum_to_zero": """
        SELECT currency AS subject, sum(amount_minor)::text AS detail
        FROM ledger_entries GROUP BY currency HAVING sum(amount_minor) <> 0""",
    "movement_does_not_balance": """
        SELECT movement_id::text AS subject, currency AS detail
        FROM ledger_entries GROUP BY movement_id, currency HAVING sum(amount_minor) <> 0""",
    "movement_without_entries": """
        SELECT m.id::text AS subject, m.kind AS detail FROM ledger_movements m
        LEFT JOIN ledger_entries e ON e.movement_id = m.id GROUP BY m.id HAVING count(e.id) < 2""",
    "paid_order_without_one_capture": """
        SELECT p.order_id::text AS subject, count(m.id)::text AS detail FROM payments p
        LEFT JOIN ledger_movements m ON m.payment_id = p.id AND m.kind = 'capture'
        WHERE p.paid_at IS NOT NULL GROUP BY p.order_id HAVING count(m.id) <> 1""",
    "capture_without_paid_payment": """
        SELECT m.order_id::text AS subject, p.status AS detail FROM ledger_movements m
        JOIN payments p ON p.id = m.payment_id WHERE m.kind = 'capture' AND p.paid_at IS NULL""",
    "payment_differs_from_ledger": """
        SELECT p.id::text AS subject, concat_ws('/', sum(e.amount_minor), p.amount_minor, p.refunded_minor)
            AS detail
        FROM payments p JOIN ledger_movements m ON m.payment_id = p.id
        JOIN ledger_entries e ON e.movement_id = m.id AND e.account = 'customer_funds'
        GROUP BY p.id HAVING sum(e.amount_minor) <> p.refunded_minor - p.amount_minor""",
    "fee_differs_from_ledger": """
        SELECT p.id::text AS subject, concat_ws('/', sum(e.amount_minor), p.fee_minor, p.fee_refunded_minor)
            AS detail
        FROM payments p JOIN ledger_movements m ON m.payment_id = p.id
        LEFT JOIN ledger_entries e ON e.movement_id = m.id AND e.account = 'platform_fee'
        GROUP BY p.id HAVING coalesce(sum(e.amount_minor), 0) <> p.fee_minor - p.fee_refunded_minor""",
    "balance_differs_from_ledger": """
        WITH sums AS (
            SELECT owner_id, currency,
                   coalesce(sum(amount_minor) FILTER (WHERE account = 'provider_pending'), 0) AS pending,
                   coalesce(sum(amount_minor) FILTER (WHERE account = 'provider_available'), 0) AS available
            FROM ledger_entries WHERE account IN ('provider_pending', 'provider_available')
            GROUP BY owner_id, currency)
        SELECT concat_ws(' ', coalesce(b.provider_id, s.owner_id), coalesce(b.currency, s.currency))
                   AS subject,
               concat_ws('/', b.pending_minor, s.pending, b.available_minor, s.available) AS detail
        FROM balances b FULL JOIN sums s ON s.owner_id = b.provider_id AND s.currency = b.currency
        WHERE coalesce(b.pending_minor, 0) <> coalesce(s.pending, 0)
           OR coalesce(b.available_minor, 0) <> coalesce(s.available, 0)""",
    "payout_differs_from_ledger": """
        SELECT o.id::text AS subject, concat_ws('/', o.status, coalesce(sum(e.amount_minor), 0)) AS detail
        FROM payouts o LEFT JOIN ledger_movements m ON m.payout_id = o.id
        LEFT JOIN ledger_entries e ON e.movement_id = m.id AND e.account = 'payouts'
        GROUP BY o.id
        HAVING coalesce(sum(e.amount_minor), 0)
            <> CASE o.status WHEN 'failed' THEN 0 ELSE o.amount_minor END""",
    "due_differs_from_payment": """
        SELECT d.order_id::text AS subject, concat_ws('/', d.payment_status, p.status) AS detail
        FROM dues d LEFT JOIN payments p ON p.order_id = d.order_id AND p.status <> 'failed'
        WHERE d.payment_status <> CASE
            WHEN p.status IN ('processing', 'requires_action') THEN 'processing'
            WHEN p.status IS NOT NULL THEN p.status
            WHEN EXISTS (SELECT FROM payments f WHERE f.order_id = d.order_id) THEN 'failed'
            ELSE 'due' END""",
}


def audit_ledger(till: Till) -> list[Json]:
    """Everything that does not hold: `check`, `subject` and `detail` of each."""
    findings = till.db.read(lambda connection: list(_of_the_books(connection)))
    return [*findings, *_against_the_processor(till)]


def audit_tonight(till: Till) -> None:
    """Audits once a day, on whichever replica comes first, and shows the last result on all."""
    now = datetime.now(UTC)
    if now.hour >= AUDIT_HOUR and _claim(till, now):
        findings = audit_ledger(till)
        for finding in findings:
            log.error("ledger_finding", **finding)
        done = {"finished_at": datetime.now(UTC), "findings": findings}
        till.db.write(lambda c: c.execute(update(AUDITS).where(AUDITS.c.day == now.date()).values(done)))
        forgotten = delete(PROCESSOR_EVENTS).where(PROCESSOR_EVENTS.c.taken_at < now - EVENTS_KEPT)
        till.db.write(lambda connection: connection.execute(forgotten))
    last = select(AUDITS.c.findings).where(AUDITS.c.finished_at.is_not(None)).order_by(AUDITS.c.day.desc())
    FINDINGS.set(len(till.db.read(lambda c: c.scalar(last.limit(1))) or []))


def _claim(till: Till, now: datetime) -> bool:
    claim = insert(AUDITS).values(day=now.date()).on_conflict_do_nothing().returning(AUDITS.c.day)
    return till.db.write(lambda connection: connection.execute(claim).first()) is not None


def _of_the_books(connection: Connection) -> Iterator[Json]:
    for check, query in CHECKS.items():
        for row in connection.execute(text(query)):
            yield {"check": check, "subject": row.subject, "detail": row.detail}


def _against_the_processor(till: Till) -> Iterator[Json]:
    for payment in _payments(till):
        if payment["processor"] != till.processor.name or payment["status"] in OPEN:
            continue
        paid = payment["paid_at"] is not None
        ours = ChargeRecord(payment["amount_minor"] if paid else 0, payment["refunded_minor"])
        try:
            theirs = till.processor.record_of(wish_of(payment), payment["reference"])
        except NoAnswer as error:
            yield {"check": "processor_does_not_say", "subject": payment["id"], "detail": str(error)}
            continue
        nothing_kept = not paid and theirs.captured_minor == theirs.refunded_minor
        if theirs != ours and not nothing_kept and not payment["refund_under_way"]:
            detail = f"ours {ours}, theirs {theirs}"
            yield {"check": "processor_differs", "subject": payment["id"], "detail": detail}


def _payments(till: Till) -> Iterator[Any]:
    under_way = text(
        "EXISTS (SELECT FROM refunds WHERE payment_id = payments.id AND status = 'processing')"
        " AS refund_under_way"
    )
    joined = PAYMENTS.join(DUES, DUES.c.order_id == PAYMENTS.c.order_id)
    query = select(*PAYMENTS.c, DUES.c.number, DUES.c.service_title, under_way).select_from(joined)
    query = query.order_by(PAYMENTS.c.id).limit(PAGE)
    after = "00000000-0000-0000-0000-000000000000"
    while True:
        page = query.where(PAYMENTS.c.id > after)
        rows = till.db.read(lambda connection, one=page: connection.execute(one).mappings().all())  # type: ignore[misc]
        yield from rows
        if len(rows) < PAGE:
            return
        after = rows[-1]["id"]
