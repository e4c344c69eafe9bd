"""Refunds by the provider or staff, in whole or in part, one refund of a payment at a time."""

from typing import Any

import uuid6
from sqlalchemy import Connection, select

from chassis.runtime.context import Call
from kit.errors import Conflict, Invalid
from kit.types import Money
from kit.validation import is_id
from services.payments.access import Row, not_found, require_refunder
from services.payments.commands.two_phase import PendingRequest, begin_once, run_in_two_phases
from services.payments.contract import RefundStatus
from services.payments.ledger.funds import lock_funds
from services.payments.ledger.rules import Split, split_refund
from services.payments.ledger.settlement import settle_refund
from services.payments.lifecycle import REFUNDABLE, next_refund_status, required
from services.payments.models import PAYMENTS, REFUNDS
from services.payments.payment_context import PaymentContext
from services.payments.processors.base import Transfer
from services.payments.processors.requests import request_refund
from services.payments.rendering import money, render_refund
from services.payments.rows import lock_payment, paid_of
from services.payments.types import Refund


def refund(context: PaymentContext, call: Call, payment_id: str, amount: Money | None, reason: str) -> Refund:
    """Refunds a payment; without an amount all that is left of it.

    Raises: NotFound, Forbidden; Invalid for another currency; Conflict `payment_not_refundable`,
    `refund_exceeds_payment`, `refund_in_progress`, `idempotency_in_progress`, and for a provider
    `insufficient_balance` with `available` and `pending`.
    """
    return run_in_two_phases(
        context,
        call,
        "refund",
        begin=lambda: context.db.write(lambda c: _begin(c, context, call, payment_id, amount, reason)),
        call_processor=lambda row: request_refund(context, row["id"], repeated=False),
        complete=_complete,
    )


def _begin(
    connection: Connection,
    context: PaymentContext,
    call: Call,
    payment_id: str,
    amount: Money | None,
    reason: str,
) -> PendingRequest:
    if not is_id(payment_id):
        raise not_found()
    receivable, payment = lock_payment(connection, payment_id)

    def make_row() -> dict[str, Any]:
        role = require_refunder(call.account, receivable)
        split = _split(connection, payment, amount)
        if role == "provider":
            _require_funds(connection, receivable, split)
        return {
            "id": str(uuid6.uuid7()),
            "payment_id": payment_id,
            "amount_minor": split.amount_minor,
            "fee_minor": split.fee_minor,
            "reason": reason,
            "actor_id": call.account.id,
            "actor_role": role,
            "status": required(next_refund_status(None, "begin")),
        }

    return begin_once(connection, REFUNDS, call.idempotency, context.settings, make_row)


def _split(connection: Connection, payment: Row, amount: Money | None) -> Split:
    if payment["status"] not in REFUNDABLE:
        raise Conflict(
            "Only a paid payment can be refunded.",
            code="payment_not_refundable",
            payment_status=payment["status"],
        )
    if amount is not None and amount["currency"] != payment["currency"]:
        detail = f"The payment was made in {payment['currency']}."
        raise Invalid.field("amount.currency", "wrong_currency", detail)
    in_progress = select(REFUNDS.c.id).where(
        REFUNDS.c.payment_id == payment["id"], REFUNDS.c.status == RefundStatus.PROCESSING
    )
    if connection.execute(in_progress).first() is not None:
        raise Conflict("A refund of this payment is in progress.", code="refund_in_progress")
    paid = paid_of(payment)
    wanted = paid.left_minor if amount is None else amount["amount"]
    if wanted > paid.left_minor:
        left = money(paid.left_minor, payment["currency"])
        detail = "The amount is more than is left of the payment."
        raise Conflict(detail, code="refund_exceeds_payment", left=left)
    return split_refund(paid, wanted)


def _require_funds(connection: Connection, receivable: Row, split: Split) -> None:
    funds = lock_funds(connection, receivable["provider_id"], receivable["currency"])
    if split.share_minor > funds.refundable_minor:
        raise Conflict(
            "Your part of this refund is more than you have available and pending. Staff can refund it.",
            code="insufficient_balance",
            available=money(funds.available_minor, receivable["currency"]),
            pending=money(funds.pending_minor, receivable["currency"]),
        )


def _complete(connection: Connection, refund_id: str, transfer: Transfer | None) -> Refund:
    if transfer is not None:
        settle_refund(connection, refund_id, transfer)
    joined = REFUNDS.join(PAYMENTS, PAYMENTS.c.id == REFUNDS.c.payment_id)
    found = select(*REFUNDS.c, PAYMENTS.c.currency, PAYMENTS.c.order_id).select_from(joined)
    row = connection.execute(found.where(REFUNDS.c.id == refund_id)).mappings().one()
    return render_refund(row, row["order_id"], row["currency"])
