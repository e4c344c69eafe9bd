"""Reconciliation: the processor is asked for the current state of what it has not decided yet.

A process crashed between a charge and its record, an answer was lost, a customer never came back from the
second step: the row is still there, and its `check_at` passes. Webhooks are applied here too.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import structlog
from sqlalchemy import Connection, Table, select, update
from sqlalchemy.dialects.postgresql import insert

from kit.errors import Unavailable
from services.payments.access import Row, is_expired
from services.payments.ledger.settlement import settle_charge, settle_payout, settle_refund
from services.payments.models import PAYMENTS, PAYOUTS, PROCESSOR_EVENTS, REFUNDS
from services.payments.payment_context import PaymentContext
from services.payments.processors.base import Charge, SubjectKind, WebhookEvent
from services.payments.processors.requests import (
    call_processor,
    charge_request_of,
    request_payout,
    request_refund,
)
from services.payments.rows import find_payment

log = structlog.get_logger(__name__)
BATCH = 20
Settle = Callable[[Connection], None]
FindSettlement = Callable[[PaymentContext, str], Settle | None]


def reconcile_pending(context: PaymentContext) -> None:
    """Asks the processor about everything that is due for a check, and records what it says."""
    for table, find_settlement in ((PAYMENTS, _payment), (REFUNDS, _refund), (PAYOUTS, _payout)):
        for row_id in _claim_pending(context, table):
            try:
                settle = find_settlement(context, row_id)
                if settle is not None:
                    context.db.write(settle)
            except Exception:
                log.exception("reconciliation_failed", table=table.name, id=row_id)


def apply_webhook(context: PaymentContext, event: WebhookEvent) -> bool:
    """Applies a webhook about a payment, refund or payout, once; False when it was applied before.

    A webhook only says what has changed; its current state is asked of the processor. So late and
    reordered ones do no harm.

    Raises: NotFound for an unknown id; Unavailable when the processor does not answer, so that the
    webhook is sent again.
    """
    settle = _SUBJECTS[event.kind](context, event.subject_id)
    if settle is None:
        raise Unavailable("The payment processor does not answer.")
    processed = {"processor": context.processor.name, "event_id": event.event_id}
    claim = insert(PROCESSOR_EVENTS).values(processed).on_conflict_do_nothing()

    def apply_once(connection: Connection) -> bool:
        if connection.execute(claim.returning(PROCESSOR_EVENTS.c.event_id)).first() is None:
            return False
        settle(connection)
        return True

    return context.db.write(apply_once)


def _claim_pending(context: PaymentContext, table: Table) -> list[Any]:
    """The ids of undecided rows that are due for a check; the next check of each is later."""

    def claim(connection: Connection) -> list[Any]:
        now = datetime.now(UTC)
        pending = (
            select(table.c.id, table.c.checks)
            .where(table.c.check_at <= now)
            .order_by(table.c.check_at)
            .limit(BATCH)
            .with_for_update(skip_locked=True)
        )
        rows = connection.execute(pending).all()
        for row in rows:
            values = {"checks": row.checks + 1, "check_at": now + context.settings.check_after(row.checks)}
            connection.execute(update(table).where(table.c.id == row.id).values(values))
        return [row.id for row in rows]

    return context.db.write(claim)


def _payment(context: PaymentContext, payment_id: str) -> Settle | None:
    payment = context.db.read(lambda connection: find_payment(connection, payment_id))
    charge = call_processor(lambda: _current_charge(context, payment), payment_id=payment_id)
    if charge is None:
        return None
    return lambda connection: settle_charge(connection, payment_id, charge, context.settings)


def _current_charge(context: PaymentContext, payment: Row) -> Charge:
    request, reference = charge_request_of(payment), payment["reference"]
    if is_expired(payment, context.settings.action_period, datetime.now(UTC)):
        return context.processor.cancel(request, reference)
    if reference is None:
        return context.processor.charge(request)
    return context.processor.look_up(request, reference)


def _refund(context: PaymentContext, refund_id: str) -> Settle | None:
    transfer = request_refund(context, refund_id, repeated=True)
    if transfer is None:
        return None
    return lambda connection: settle_refund(connection, refund_id, transfer)


def _payout(context: PaymentContext, payout_id: str) -> Settle | None:
    transfer = request_payout(context, payout_id, repeated=True)
    if transfer is None:
        return None
    return lambda connection: settle_payout(connection, payout_id, transfer)


_SUBJECTS: Mapping[SubjectKind, FindSettlement] = {
    "payment": _payment,
    "refund": _refund,
    "payout": _payout,
}
