"""Settlement: recording what the processor decided about a payment, refund or payout.

The outcome may arrive as the answer to a request, by a webhook or by reconciliation, in any order and more
than once. Each function locks the row, and the tables of `lifecycle` say what the outcome still changes; so
everything is recorded once.
"""

from datetime import UTC, datetime
from typing import Any

import structlog
from sqlalchemy import Connection, Table, select, update

from chassis.storage import outbox
from services.payments.access import Row
from services.payments.contract import PAYOUT_CHANGED, PaymentStatus, PayoutStatus, RefundStatus
from services.payments.ledger import rules
from services.payments.ledger.journal import record_movement
from services.payments.lifecycle import (
    OPEN,
    RefundExtent,
    next_payment_status,
    next_payout_status,
    next_refund_status,
    required,
)
from services.payments.models import PAYOUTS, REFUNDS
from services.payments.processors.base import Charge, Transfer
from services.payments.receivables import change_receivable
from services.payments.rendering import money, provider_of
from services.payments.rows import change_payment, lock_payment, parties_of
from services.payments.settings import PaymentSettings

log = structlog.get_logger(__name__)


def settle_charge(connection: Connection, payment_id: str, charge: Charge, settings: PaymentSettings) -> None:
    """Records the current state of a payment's charge."""
    receivable, payment = lock_payment(connection, payment_id)
    status = next_payment_status(payment["status"], charge.state, receivable["payment_status"])
    if status is PaymentStatus.PAID:
        _record_capture(connection, receivable, payment, charge, settings)
    elif status is PaymentStatus.FAILED:
        _record_failure(connection, receivable, payment, charge.failure or charge.state)
    elif status is not None:
        found = {"action_url": charge.action_url, "reference": charge.reference}
        change_payment(connection, payment, status=status, **found)
    elif payment["status"] == PaymentStatus.FAILED and charge.state == "captured":
        # The audit reports it too: it has to be refunded at the processor by hand.
        log.error("second_capture_of_order", payment_id=payment["id"], order_id=receivable["order_id"])
    elif payment["status"] in OPEN and charge.reference != payment["reference"]:
        change_payment(connection, payment, reference=charge.reference)


def settle_refund(connection: Connection, refund_id: str, transfer: Transfer) -> None:
    """Records the current state of a refund; a completed one moves the money in the ledger."""
    payment_id = connection.scalar(select(REFUNDS.c.payment_id).where(REFUNDS.c.id == refund_id))
    receivable, payment = lock_payment(connection, payment_id or "")
    locked = select(REFUNDS).where(REFUNDS.c.id == refund_id).with_for_update()
    refund = connection.execute(locked).mappings().one()
    status = next_refund_status(refund["status"], transfer.state)
    if status is None:
        return
    _change(
        connection, REFUNDS, refund, status=status, reference=transfer.reference, failure=transfer.failure
    )
    if status is RefundStatus.FAILED:
        return
    split = rules.Split(refund["fee_minor"], refund["amount_minor"] - refund["fee_minor"])
    movement = rules.refund(parties_of(receivable), split, released=payment["released_at"] is not None)
    subject = {"order_id": receivable["order_id"], "payment_id": payment["id"], "refund_id": refund_id}
    record_movement(connection, movement, **subject)
    extent = _record_refunded(connection, receivable, payment, split)
    amount = money(refund["amount_minor"], payment["currency"])
    change_receivable(connection, receivable, extent, payment["id"], refund=amount)


def settle_payout(connection: Connection, payout_id: str, transfer: Transfer) -> None:
    """Records the current state of a payout; the amount of a failed one is available again.

    A bank may return what had arrived: a payout that was paid may still fail.
    """
    locked = select(PAYOUTS).where(PAYOUTS.c.id == payout_id).with_for_update()
    payout = connection.execute(locked).mappings().one()
    status = next_payout_status(payout["status"], transfer.state)
    if status is None:
        return
    if status is PayoutStatus.FAILED:
        returned = rules.payout_return(payout["provider_id"], payout["amount_minor"], payout["currency"])
        record_movement(connection, returned, payout_id=payout_id)
    reference = transfer.reference or payout["reference"]
    changed = _change(
        connection, PAYOUTS, payout, status=status, reference=reference, failure=transfer.failure
    )
    publish_payout_change(connection, changed)


def publish_payout_change(connection: Connection, payout: Row) -> None:
    """Records the event `payout_changed` in the outbox."""
    outbox.record(
        connection,
        PAYOUT_CHANGED,
        payout_id=payout["id"],
        provider=provider_of(payout),
        amount=money(payout["amount_minor"], payout["currency"]),
        status=payout["status"],
        payout_version=payout["version"],
    )


def _record_capture(
    connection: Connection, receivable: Row, payment: Row, charge: Charge, settings: PaymentSettings
) -> None:
    now = datetime.now(UTC)
    change_payment(
        connection,
        payment,
        status=PaymentStatus.PAID,
        reference=charge.reference,
        action_url=None,
        failure=None,
        paid_at=now,
        available_at=now + settings.holding_period,
        check_at=None,
    )
    fee = payment["fee_minor"]
    movement = rules.capture(parties_of(receivable), rules.Split(fee, payment["amount_minor"] - fee))
    record_movement(connection, movement, order_id=receivable["order_id"], payment_id=payment["id"])
    change_receivable(connection, receivable, "captured", payment["id"])


def _record_failure(connection: Connection, receivable: Row, payment: Row, failure: str) -> None:
    ended = {"status": PaymentStatus.FAILED, "action_url": None, "check_at": None}
    change_payment(connection, payment, failure=failure, **ended)
    change_receivable(connection, receivable, "failed", payment["id"])


def _record_refunded(
    connection: Connection, receivable: Row, payment: Row, split: rules.Split
) -> RefundExtent:
    refunded = payment["refunded_minor"] + split.amount_minor
    extent: RefundExtent = "refunded_in_full" if refunded == payment["amount_minor"] else "refunded_in_part"
    change_payment(
        connection,
        payment,
        status=required(next_payment_status(payment["status"], extent, receivable["payment_status"])),
        refunded_minor=refunded,
        fee_refunded_minor=payment["fee_refunded_minor"] + split.fee_minor,
    )
    return extent


def _change(connection: Connection, table: Table, row: Row, **values: Any) -> Row:
    """Changes a locked refund or payout that is decided; returns it as it is then."""
    decided = {"check_at": None, "version": row["version"] + 1, "updated_at": datetime.now(UTC), **values}
    connection.execute(update(table).where(table.c.id == row["id"]).values(decided))
    return {**row, **decided}
