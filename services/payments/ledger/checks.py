"""The invariants of our own books, as queries over a range of keys.

Every query reads one range, so its time does not grow with the data: no statement reaches its time limit,
and no snapshot is held for minutes. What belongs together is written in one transaction, so each range is
consistent by itself.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, select, text

from services.payments.contract import PaymentStatus, PayoutStatus, ReceivableStatus
from services.payments.lifecycle import OPEN
from services.payments.models import BALANCES, MOVEMENTS, PAYMENTS, PAYOUTS, RECEIVABLES

ROWS = 5_000
BEFORE_ALL, AFTER_ALL = "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"
STATUSES: Mapping[str, str | list[str]] = {
    "payment_failed": PaymentStatus.FAILED.value,
    "payment_open": [status.value for status in OPEN],
    "payout_failed": PayoutStatus.FAILED.value,
    "receivable_due": ReceivableStatus.DUE.value,
    "receivable_failed": ReceivableStatus.FAILED.value,
    "receivable_processing": ReceivableStatus.PROCESSING.value,
}
"""The parameters of the queries that stand for statuses."""
CURRENCY_SUMS = "currency_does_not_sum_to_zero"


@dataclass(frozen=True)
class Walk:
    """Checks along one key. Each query selects `subject` and `detail` of the violations between `:after`
    (exclusive) and `:until` (inclusive); together the ranges cover every possible key."""

    key: Column[Any]
    checks: Mapping[str, str]


WALKS: tuple[Walk, ...] = (
    Walk(
        MOVEMENTS.c.id,
        {
            CURRENCY_SUMS: """
                SELECT currency AS subject, sum(amount_minor)::text AS detail
                FROM ledger_entries WHERE movement_id > :after AND movement_id <= :until
                GROUP BY currency HAVING sum(amount_minor) <> 0""",
            "movement_does_not_balance": """
                SELECT movement_id::text AS subject, currency AS detail
                FROM ledger_entries WHERE movement_id > :after AND movement_id <= :until
                GROUP BY movement_id, currency HAVING sum(amount_minor) <> 0""",
            "movement_without_entries": """
                SELECT m.id::text AS subject, m.kind AS detail FROM ledger_movements m
                LEFT JOIN ledger_entries e ON e.movement_id = m.id
                WHERE m.id > :after AND m.id <= :until GROUP BY m.id HAVING count(e.id) < 2""",
            "capture_without_paid_payment": """
                SELECT m.order_id::text AS subject, p.status AS detail FROM ledger_movements m
                JOIN payments p ON p.id = m.payment_id
                WHERE m.kind = 'capture' AND p.paid_at IS NULL AND m.id > :after AND m.id <= :until""",
        },
    ),
    Walk(
        PAYMENTS.c.id,
        {
            "payment_differs_from_ledger": """
                SELECT p.id::text AS subject,
                       concat_ws('/', sum(e.amount_minor), p.amount_minor, p.refunded_minor) AS detail
                FROM payments p JOIN ledger_movements m ON m.payment_id = p.id
                JOIN ledger_entries e ON e.movement_id = m.id AND e.account = 'customer_funds'
                WHERE p.id > :after AND p.id <= :until
                GROUP BY p.id HAVING sum(e.amount_minor) <> p.refunded_minor - p.amount_minor""",
            "fee_differs_from_ledger": """
                SELECT p.id::text AS subject,
                       concat_ws('/', sum(e.amount_minor), p.fee_minor, p.fee_refunded_minor) AS detail
                FROM payments p JOIN ledger_movements m ON m.payment_id = p.id
                LEFT JOIN ledger_entries e ON e.movement_id = m.id AND e.account = 'platform_fee'
                WHERE p.id > :after AND p.id <= :until
                GROUP BY p.id
                HAVING coalesce(sum(e.amount_minor), 0) <> p.fee_minor - p.fee_refunded_minor""",
        },
    ),
    Walk(
        RECEIVABLES.c.order_id,
        {
            "paid_order_without_one_capture": """
                SELECT p.order_id::text AS subject, count(m.id)::text AS detail FROM payments p
                LEFT JOIN ledger_movements m ON m.payment_id = p.id AND m.kind = 'capture'
                WHERE p.paid_at IS NOT NULL AND p.order_id > :after AND p.order_id <= :until
                GROUP BY p.order_id HAVING count(m.id) <> 1""",
            "receivable_differs_from_payment": """
                SELECT d.order_id::text AS subject, concat_ws('/', d.payment_status, p.status) AS detail
                FROM dues d LEFT JOIN payments p ON p.order_id = d.order_id AND p.status <> :payment_failed
                WHERE d.order_id > :after AND d.order_id <= :until AND d.payment_status <> CASE
                    WHEN p.status = ANY(:payment_open) THEN :receivable_processing
                    WHEN p.status IS NOT NULL THEN p.status
                    WHEN EXISTS (SELECT FROM payments f WHERE f.order_id = d.order_id)
                        THEN :receivable_failed
                    ELSE :receivable_due END""",
        },
    ),
    Walk(
        BALANCES.c.provider_id,
        {
            "balance_differs_from_ledger": """
                WITH sums AS (
                    SELECT owner_id, currency,
                        coalesce(sum(amount_minor) FILTER (WHERE account = 'provider_pending'), 0) AS pending,
                        coalesce(sum(amount_minor) FILTER (WHERE account = 'provider_available'), 0)
                            AS available
                    FROM ledger_entries
                    WHERE account IN ('provider_pending', 'provider_available')
                        AND owner_id > :after AND owner_id <= :until
                    GROUP BY owner_id, currency),
                own AS (SELECT * FROM balances WHERE provider_id > :after AND provider_id <= :until)
                SELECT concat_ws(' ', coalesce(b.provider_id, s.owner_id), coalesce(b.currency, s.currency))
                        AS subject,
                    concat_ws('/', b.pending_minor, s.pending, b.available_minor, s.available) AS detail
                FROM own b FULL JOIN sums s ON s.owner_id = b.provider_id AND s.currency = b.currency
                WHERE coalesce(b.pending_minor, 0) <> coalesce(s.pending, 0)
                   OR coalesce(b.available_minor, 0) <> coalesce(s.available, 0)""",
        },
    ),
    Walk(
        PAYOUTS.c.id,
        {
            "payout_differs_from_ledger": """
                SELECT o.id::text AS subject, concat_ws('/', o.status, coalesce(sum(e.amount_minor), 0))
                    AS detail
                FROM payouts o LEFT JOIN ledger_movements m ON m.payout_id = o.id
                LEFT JOIN ledger_entries e ON e.movement_id = m.id AND e.account = 'payouts'
                WHERE o.id > :after AND o.id <= :until
                GROUP BY o.id
                HAVING coalesce(sum(e.amount_minor), 0)
                    <> CASE o.status WHEN :payout_failed THEN 0 ELSE o.amount_minor END""",
        },
    ),
)


def end_of_range(connection: Connection, key: Column[Any], after: str) -> str:
    """The last key of the range that begins after `after`, `AFTER_ALL` for the last range."""
    last = select(key).where(key > after).order_by(key).offset(ROWS - 1).limit(1)
    return connection.scalar(last) or AFTER_ALL


def violations_in_range(
    connection: Connection, walk: Walk, after: str, until: str
) -> Iterator[tuple[str, str, str]]:
    """Check, subject and detail of every violation in a range."""
    for check, query in walk.checks.items():
        statement = text(query)
        names = statement.compile().params
        statuses = {name: value for name, value in STATUSES.items() if name in names}
        for row in connection.execute(statement, {"after": after, "until": until, **statuses}):
            yield check, row.subject, row.detail
