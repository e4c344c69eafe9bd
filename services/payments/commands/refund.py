"""Giving money back: by the provider or staff, in whole or in part, one refund of a payment at a time."""

from datetime import UTC, datetime
from typing import Literal

import uuid6
from sqlalchemy import Connection, select, update

from chassis.runtime.context import Call
from chassis.runtime.failpoints import reach
from chassis.storage.idempotency import find_stored_answer, run_idempotently
from kit.errors import Conflict, Invalid
from kit.tokens import Caller
from kit.validation import is_id
from services.payments.access import nothing_there, require_refunder
from services.payments.commands.pay import change_payment, lock_payment, parties_of
from services.payments.commands.two_phase import Intent, answer_of_twin, asked, earlier, insert_intent
from services.payments.contract import RefundStatus
from services.payments.ledger import rules as ledger
from services.payments.ledger.funds import lock_funds
from services.payments.ledger.journal import post
from services.payments.lifecycle import (
    REFUNDABLE,
    next_payment_status,
    next_refund_status,
    required,
)
from services.payments.models import PAYMENTS, REFUNDS
from services.payments.payment_context import Till
from services.payments.processors.base import RefundWish, Transfer
from services.payments.receivables import change_due
from services.payments.rendering import Json, Row, money, render_refund


def refund(till: Till, call: Call, payment_id: str, amount: Json | None, reason: str) -> Json:
    """Refunds a payment, all that is left of it without an amount.

    Raises: NotFound, Forbidden; Invalid for another currency; Conflict `payment_not_refundable`,
    `refund_exceeds_payment`, `refund_in_progress`, `idempotency_in_progress`, and for a provider
    `insufficient_balance` with `available` and `pending`.
    """
    answer: Json | None = find_stored_answer(till.db, call)
    if answer is not None:
        return answer
    caller = call.account
    begun = till.db.write(lambda c: _begin(c, till, call, caller, payment_id, amount, reason))
    transfer = None
    if begun.is_new:
        transfer = ask_for_refund(till, begun.row["id"], repeated=False)
    else:
        answer = answer_of_twin(till.db, call, begun.row, till.settings)
    if answer is None:
        answer = run_idempotently(till.db, call, lambda c: _finish(c, begun.row["id"], transfer))
    return answer


def ask_for_refund(till: Till, refund_id: str, repeated: bool) -> Transfer | None:
    """Asks the processor for a refund that was begun; None when it does not say."""
    wish = till.db.read(lambda connection: _wish(connection, refund_id))
    reach("refund.before_asking")
    transfer = asked(lambda: till.processor.refund(wish, repeated), refund_id=refund_id)
    reach("refund.asked")
    return transfer


def settle_refund(connection: Connection, refund_id: str, transfer: Transfer) -> None:
    """Records what became of a refund, once."""
    payment_id = connection.scalar(select(REFUNDS.c.payment_id).where(REFUNDS.c.id == refund_id))
    due, payment = lock_payment(connection, payment_id or "")
    before = connection.execute(select(REFUNDS).where(REFUNDS.c.id == refund_id).with_for_update())
    row = before.mappings().one()
    status = next_refund_status(row["status"], transfer.state)
    if status is None:
        return
    _change(connection, row, status, transfer)
    if status is RefundStatus.FAILED:
        return
    split = ledger.Split(row["fee_minor"], row["amount_minor"] - row["fee_minor"])
    movement = ledger.refund(parties_of(due), split, released=payment["released_at"] is not None)
    belongs_to = {"order_id": due["order_id"], "payment_id": payment["id"], "refund_id": refund_id}
    post(connection, movement, **belongs_to)
    event = _record_on_payment(connection, due, payment, split)
    given_back = money(row["amount_minor"], payment["currency"])
    change_due(connection, due, event, payment["id"], refund=given_back)


def _begin(
    connection: Connection,
    till: Till,
    call: Call,
    caller: Caller,
    payment_id: str,
    amount: Json | None,
    reason: str,
) -> Intent:
    if not is_id(payment_id):
        raise nothing_there()
    due, payment = lock_payment(connection, payment_id)
    before = earlier(connection, REFUNDS, call.idempotency)
    if before is not None:
        return Intent(before, is_new=False)
    role = require_refunder(caller, due)
    split = _split(connection, payment, amount)
    if role == "provider":
        _require_funds(connection, due, split)
    values = {
        "id": str(uuid6.uuid7()),
        "payment_id": payment_id,
        "amount_minor": split.amount_minor,
        "fee_minor": split.fee_minor,
        "reason": reason,
        "actor_id": caller.id,
        "actor_role": role,
        "status": required(next_refund_status(None, "begin")),
    }
    insert_intent(connection, REFUNDS, values, call.idempotency, till.settings)
    return Intent(values, is_new=True)


def _split(connection: Connection, payment: Row, amount: Json | None) -> ledger.Split:
    if payment["status"] not in REFUNDABLE:
        raise Conflict(
            "Only what was paid can be given back.",
            code="payment_not_refundable",
            payment_status=payment["status"],
        )
    if amount is not None and amount["currency"] != payment["currency"]:
        raise Invalid.field("amount.currency", "wrong_currency", f"It was paid in {payment['currency']}.")
    under_way = select(REFUNDS.c.id).where(
        REFUNDS.c.payment_id == payment["id"], REFUNDS.c.status == RefundStatus.PROCESSING
    )
    if connection.execute(under_way).first() is not None:
        raise Conflict("A refund of this payment is under way.", code="refund_in_progress")
    paid = paid_of(payment)
    wanted = paid.left_minor if amount is None else amount["amount"]
    if wanted > paid.left_minor:
        left = money(paid.left_minor, payment["currency"])
        raise Conflict("That is more than is left of the payment.", code="refund_exceeds_payment", left=left)
    return ledger.split_refund(paid, wanted)


def _require_funds(connection: Connection, due: Row, split: ledger.Split) -> None:
    funds = lock_funds(connection, due["provider_id"], due["currency"])
    if split.share_minor > funds.refundable_minor:
        raise Conflict(
            "Your part of this refund is more than you have available and pending. Staff can refund it.",
            code="insufficient_balance",
            available=money(funds.available_minor, due["currency"]),
            pending=money(funds.pending_minor, due["currency"]),
        )


def paid_of(payment: Row) -> ledger.Paid:
    """A payment as the rules see it."""
    fee, given_back = payment["fee_minor"], payment["fee_refunded_minor"]
    return ledger.Paid(
        split=ledger.Split(fee, payment["amount_minor"] - fee),
        refunded=ledger.Split(given_back, payment["refunded_minor"] - given_back),
    )


def _record_on_payment(
    connection: Connection, due: Row, payment: Row, split: ledger.Split
) -> Literal["refunded_in_part", "refunded_in_full"]:
    refunded = payment["refunded_minor"] + split.amount_minor
    in_full = refunded == payment["amount_minor"]
    event: Literal["refunded_in_part", "refunded_in_full"]
    event = "refunded_in_full" if in_full else "refunded_in_part"
    change_payment(
        connection,
        payment,
        status=required(next_payment_status(payment["status"], event, due["payment_status"])),
        refunded_minor=refunded,
        fee_refunded_minor=payment["fee_refunded_minor"] + split.fee_minor,
    )
    return event


def _change(connection: Connection, row: Row, status: RefundStatus, transfer: Transfer) -> None:
    values = {
        "status": status,
        "reference": transfer.reference,
        "failure": transfer.failure,
        "check_at": None,
        "version": row["version"] + 1,
        "updated_at": datetime.now(UTC),
    }
    connection.execute(update(REFUNDS).where(REFUNDS.c.id == row["id"]).values(values))


def _wish(connection: Connection, refund_id: str) -> RefundWish:
    joined = REFUNDS.join(PAYMENTS, PAYMENTS.c.id == REFUNDS.c.payment_id)
    found = select(*REFUNDS.c, PAYMENTS.c.currency, PAYMENTS.c.reference.label("charge_reference"))
    row = connection.execute(found.select_from(joined).where(REFUNDS.c.id == refund_id)).mappings().first()
    if row is None:
        raise nothing_there()
    return RefundWish(
        refund_id=refund_id,
        payment_id=row["payment_id"],
        charge_reference=row["charge_reference"],
        amount_minor=row["amount_minor"],
        currency=row["currency"],
    )


def _finish(connection: Connection, refund_id: str, transfer: Transfer | None) -> Json:
    if transfer is not None:
        settle_refund(connection, refund_id, transfer)
    joined = REFUNDS.join(PAYMENTS, PAYMENTS.c.id == REFUNDS.c.payment_id)
    found = select(*REFUNDS.c, PAYMENTS.c.currency, PAYMENTS.c.order_id).select_from(joined)
    return render_refund(connection.execute(found.where(REFUNDS.c.id == refund_id)).mappings().one())
