"""Payouts: available money leaves the balance first, then the bank is asked; what fails comes back."""

from datetime import UTC, datetime
from typing import Any

import uuid6
from sqlalchemy import Connection, Select, select, update

from chassis.runtime.context import Call
from chassis.runtime.failpoints import reach
from chassis.storage import outbox
from chassis.storage.idempotency import find_stored_answer, run_idempotently
from kit.errors import Conflict
from kit.tokens import Caller
from services.payments.access import nothing_there
from services.payments.commands.two_phase import Intent, answer_of_twin, asked, earlier, insert_intent
from services.payments.contract import PAYOUT_CHANGED, PayoutStatus
from services.payments.ledger import rules as ledger
from services.payments.ledger.funds import lock_funds
from services.payments.ledger.journal import post
from services.payments.lifecycle import next_payout_status, required
from services.payments.models import PAYOUTS
from services.payments.payment_context import Till
from services.payments.processors.base import PayoutWish, Transfer
from services.payments.rendering import Json, Row, money, render_payout


def request_payout(till: Till, call: Call, amount: Json) -> Json:
    """Pays available money out to its provider.

    Raises: Conflict `insufficient_balance` with `available`, `idempotency_in_progress`.
    """
    answer: Json | None = find_stored_answer(till.db, call)
    if answer is not None:
        return answer
    caller = call.account
    begun = till.db.write(lambda c: _begin(c, till, call, caller, amount))
    transfer = None
    if begun.is_new:
        transfer = ask_for_payout(till, begun.row["id"], repeated=False)
    else:
        answer = answer_of_twin(till.db, call, begun.row, till.settings)
    if answer is None:
        answer = run_idempotently(till.db, call, lambda c: _finish(c, begun.row["id"], transfer))
    return answer


def ask_for_payout(till: Till, payout_id: str, repeated: bool) -> Transfer | None:
    """Asks the processor for a payout that was begun; None when it does not say."""
    row = till.db.read(lambda c: c.execute(_one(payout_id)).mappings().first())
    if row is None:
        raise nothing_there()
    wish = PayoutWish(payout_id, row["provider_id"], row["amount_minor"], row["currency"], row["created_at"])
    reach("payout.before_asking")
    transfer = asked(lambda: till.processor.pay_out(wish, repeated), payout_id=payout_id)
    reach("payout.asked")
    return transfer


def settle_payout(connection: Connection, payout_id: str, transfer: Transfer) -> None:
    """Records what became of a payout, once; a refused one is available again.

    A bank may send back what had arrived: a payout that was paid may still fail.
    """
    row = connection.execute(_one(payout_id).with_for_update()).mappings().one()
    status = next_payout_status(row["status"], transfer.state)
    if status is None:
        return
    if status is PayoutStatus.FAILED:
        returned = ledger.payout_return(row["provider_id"], row["amount_minor"], row["currency"])
        post(connection, returned, payout_id=payout_id)
    values = {
        "status": status,
        "reference": transfer.reference or row["reference"],
        "failure": transfer.failure,
        "check_at": None,
        "version": row["version"] + 1,
        "updated_at": datetime.now(UTC),
    }
    connection.execute(update(PAYOUTS).where(PAYOUTS.c.id == payout_id).values(values))
    _tell(connection, {**row, **values})


def _begin(connection: Connection, till: Till, call: Call, caller: Caller, amount: Json) -> Intent:
    before = earlier(connection, PAYOUTS, call.idempotency)
    if before is not None:
        return Intent(before, is_new=False)
    _require_available(connection, caller.id, amount)
    values = {
        "id": str(uuid6.uuid7()),
        "provider_id": caller.id,
        "provider_name": caller.display_name,
        "amount_minor": amount["amount"],
        "currency": amount["currency"],
        "processor": till.processor.name,
        "status": required(next_payout_status(None, "begin")),
    }
    insert_intent(connection, PAYOUTS, values, call.idempotency, till.settings)
    movement = ledger.payout(caller.id, amount["amount"], amount["currency"])
    post(connection, movement, payout_id=values["id"])
    _tell(connection, {**values, "version": 1})
    return Intent(values, is_new=True)


def _require_available(connection: Connection, provider_id: str, amount: Json) -> None:
    payable = lock_funds(connection, provider_id, amount["currency"]).payable_minor
    if payable < amount["amount"]:
        raise Conflict(
            "That is more than is available.",
            code="insufficient_balance",
            available=money(payable, amount["currency"]),
        )


def _one(payout_id: str) -> Select[Any]:
    return select(PAYOUTS).where(PAYOUTS.c.id == payout_id)


def _finish(connection: Connection, payout_id: str, transfer: Transfer | None) -> Json:
    if transfer is not None:
        settle_payout(connection, payout_id, transfer)
    return render_payout(connection.execute(_one(payout_id)).mappings().one())


def _tell(connection: Connection, payout: Row) -> None:
    outbox.record(
        connection,
        PAYOUT_CHANGED,
        payout_id=payout["id"],
        provider={"id": payout["provider_id"], "display_name": payout["provider_name"]},
        amount=money(payout["amount_minor"], payout["currency"]),
        status=payout["status"],
        payout_version=payout["version"],
    )
