"""Payouts: the amount leaves the balance first, then the bank is asked; a failed payout is returned."""

from typing import Any

import uuid6
from sqlalchemy import Connection, select

from chassis.runtime.context import Call
from kit.errors import Conflict
from kit.types import Money
from services.payments.commands.two_phase import PendingRequest, begin_once, run_in_two_phases
from services.payments.ledger import rules
from services.payments.ledger.funds import lock_funds
from services.payments.ledger.journal import record_movement
from services.payments.ledger.settlement import publish_payout_change, settle_payout
from services.payments.lifecycle import next_payout_status, required
from services.payments.models import PAYOUTS
from services.payments.payment_context import PaymentContext
from services.payments.processors.base import Transfer
from services.payments.processors.requests import request_payout
from services.payments.rendering import money, render_payout
from services.payments.types import Payout


def pay_out(context: PaymentContext, call: Call, amount: Money) -> Payout:
    """Pays available money out to the caller.

    Raises: Conflict `insufficient_balance` with `available`, `idempotency_in_progress`.
    """
    return run_in_two_phases(
        context,
        call,
        "payout",
        begin=lambda: context.db.write(lambda c: _begin(c, context, call, amount)),
        call_processor=lambda row: request_payout(context, row["id"], repeated=False),
        complete=_complete,
    )


def _begin(connection: Connection, context: PaymentContext, call: Call, amount: Money) -> PendingRequest:
    caller = call.account

    def make_row() -> dict[str, Any]:
        _require_available(connection, caller.id, amount)
        return {
            "id": str(uuid6.uuid7()),
            "provider_id": caller.id,
            "provider_name": caller.display_name,
            "amount_minor": amount["amount"],
            "currency": amount["currency"],
            "processor": context.processor.name,
            "status": required(next_payout_status(None, "begin")),
        }

    pending = begin_once(connection, PAYOUTS, call.idempotency, context.settings, make_row)
    if pending.is_new:
        movement = rules.payout(caller.id, amount["amount"], amount["currency"])
        record_movement(connection, movement, payout_id=pending.row["id"])
        publish_payout_change(connection, {**pending.row, "version": 1})
    return pending


def _require_available(connection: Connection, provider_id: str, amount: Money) -> None:
    payable = lock_funds(connection, provider_id, amount["currency"]).payable_minor
    if payable < amount["amount"]:
        raise Conflict(
            "The amount is more than is available.",
            code="insufficient_balance",
            available=money(payable, amount["currency"]),
        )


def _complete(connection: Connection, payout_id: str, transfer: Transfer | None) -> Payout:
    if transfer is not None:
        settle_payout(connection, payout_id, transfer)
    row = connection.execute(select(PAYOUTS).where(PAYOUTS.c.id == payout_id)).mappings().one()
    return render_payout(row)
