"""Paying an order: begun and committed, charged at the processor, recorded with its answer.

However a charge is heard of (as the answer, by a call-back, by asking again), `settle` records it,
under the lock of the order's due; what was recorded before is never recorded again.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import structlog
import uuid6
from sqlalchemy import Connection, select, update

from chassis.runtime.context import Call
from chassis.runtime.failpoints import reach
from chassis.storage.idempotency import find_stored_answer, run_idempotently
from kit.errors import Conflict, Declined
from kit.tokens import Caller
from kit.validation import is_id
from services.payments.access import nothing_there, require_customer
from services.payments.commands.receivable import payment_not_due
from services.payments.commands.two_phase import Intent, answer_of_twin, asked, earlier, insert_intent
from services.payments.contract import PaymentStatus
from services.payments.ledger import rules as ledger
from services.payments.ledger.journal import post
from services.payments.lifecycle import OPEN, next_payment_status, required
from services.payments.models import DUES, PAYMENTS
from services.payments.payment_context import Till
from services.payments.processors.base import Charge, ChargeWish
from services.payments.queries import (
    OrderUnknown,
    find_due,
    shown_payment,
)
from services.payments.receivables import change_due, fall_due_by_answer
from services.payments.rendering import Json, Row
from services.payments.settings import PaymentSettings

log = structlog.get_logger(__name__)
AskOrders = Callable[[str], Json]


def pay(till: Till, call: Call, order_id: str, method: str, ask_orders: AskOrders) -> Json:
    """Pays an order as its customer; the payment, paid or not yet.

    Raises: NotFound, Forbidden; Invalid for an unknown method; Declined; Conflict
    `payment_not_due`, `payment_in_progress`, `already_paid`, `idempotency_in_progress`.
    """
    answer: Json | None = find_stored_answer(till.db, call)
    if answer is not None:
        return answer
    caller = call.account
    try:
        begun = till.db.write(lambda c: _begin(c, till, call, caller, order_id, method))
    except OrderUnknown:
        order = ask_orders(order_id)
        begun = till.db.write(lambda c: _begin_after_answer(c, till, call, caller, order, method))
    charge = None
    if begun.is_new:
        charge = _charge(till, begun.row)
    else:
        answer = answer_of_twin(till.db, call, begun.row, till.settings)
    return answer or _record(till, call, begun.row["id"], charge)


def wish_of(payment: Row) -> ChargeWish:
    """What the processor is asked for."""
    return ChargeWish(
        payment_id=payment["id"],
        order_id=payment["order_id"],
        description=f"{payment['number']}: {payment['service_title']}",
        amount_minor=payment["amount_minor"],
        currency=payment["currency"],
        method=payment["method"],
        wished_at=payment["created_at"],
    )


def find_wish(connection: Connection, payment_id: str) -> Row:
    """A payment with what its wish needs of the order.

    Raises: NotFound.
    """
    joined = PAYMENTS.join(DUES, DUES.c.order_id == PAYMENTS.c.order_id)
    found = (
        select(*PAYMENTS.c, DUES.c.number, DUES.c.service_title)
        .select_from(joined)
        .where(PAYMENTS.c.id == payment_id)
    )
    payment = connection.execute(found).mappings().first()
    if payment is None:
        raise nothing_there()
    return payment


def settle(connection: Connection, payment_id: str, charge: Charge, settings: PaymentSettings) -> None:
    """Records what a charge is by now, once."""
    due, payment = lock_payment(connection, payment_id)
    status = next_payment_status(payment["status"], charge.state, due["payment_status"])
    if status is PaymentStatus.PAID:
        _capture(connection, due, payment, charge, settings)
    elif status is PaymentStatus.FAILED:
        _fail(connection, due, payment, charge.failure or charge.state)
    elif status is not None:
        found = {"action_url": charge.action_url, "reference": charge.reference}
        change_payment(connection, payment, status=status, **found)
    elif payment["status"] == PaymentStatus.FAILED and charge.state == "captured":
        # The audit finds it too: somebody must give this one back at the processor.
        log.error("captured_a_second_payment", payment_id=payment["id"], order_id=due["order_id"])
    elif payment["status"] in OPEN and charge.reference != payment["reference"]:
        change_payment(connection, payment, reference=charge.reference)


def lock_payment(connection: Connection, payment_id: str) -> tuple[Row, Row]:
    """A payment and its due, nobody else's until this transaction ends. Always the due first.

    Raises: NotFound.
    """
    order_id = connection.scalar(select(PAYMENTS.c.order_id).where(PAYMENTS.c.id == payment_id))
    due = None if order_id is None else find_due(connection, order_id, lock=True)
    if due is None:
        raise nothing_there()
    locked = select(PAYMENTS).where(PAYMENTS.c.id == payment_id).with_for_update()
    return due, connection.execute(locked).mappings().one()


def change_payment(connection: Connection, payment: Row, **values: Any) -> None:
    """Changes a locked payment."""
    stamp = {"version": payment["version"] + 1, "updated_at": datetime.now(UTC)}
    connection.execute(update(PAYMENTS).where(PAYMENTS.c.id == payment["id"]).values(**values, **stamp))


def parties_of(due: Row) -> ledger.Parties:
    """Whose money it is."""
    return ledger.Parties(due["customer_id"], due["provider_id"], due["currency"])


def _begin_after_answer(
    connection: Connection, till: Till, call: Call, caller: Caller, order: Json, method: str
) -> Intent:
    fall_due_by_answer(connection, order, till.settings)
    try:
        return _begin(connection, till, call, caller, order["id"], method)
    except OrderUnknown:
        require_customer(caller, {f"{party}_id": order[party]["id"] for party in ("customer", "provider")})
        raise payment_not_due(order) from None


def _begin(
    connection: Connection, till: Till, call: Call, caller: Caller, order_id: str, method: str
) -> Intent:
    if not is_id(order_id):
        raise nothing_there()
    due = find_due(connection, order_id, lock=True)
    before = earlier(connection, PAYMENTS, call.idempotency)
    if before is not None:
        return Intent(before, is_new=False)
    if due is None:
        raise OrderUnknown
    require_customer(caller, due)
    till.processor.check_method(method, due["amount_minor"], due["currency"])
    _require_unpaid(connection, order_id)
    values = _new_payment(due, till, method)
    insert_intent(connection, PAYMENTS, values, call.idempotency, till.settings)
    change_due(connection, due, "begin", values["id"])
    return Intent({**due, **values}, is_new=True)


def _new_payment(due: Row, till: Till, method: str) -> Json:
    split = ledger.split_payment(due["amount_minor"], till.settings.platform_fee_basis_points)
    return {
        "id": str(uuid6.uuid7()),
        "order_id": due["order_id"],
        "amount_minor": due["amount_minor"],
        "fee_minor": split.fee_minor,
        "currency": due["currency"],
        "processor": till.processor.name,
        "method": method,
        "status": required(next_payment_status(None, "begin", due["payment_status"])),
        "created_at": datetime.now(UTC),
    }


def _require_unpaid(connection: Connection, order_id: str) -> None:
    live = select(PAYMENTS).where(PAYMENTS.c.order_id == order_id, PAYMENTS.c.status != PaymentStatus.FAILED)
    payment = connection.execute(live).mappings().first()
    if payment is None:
        return
    if payment["status"] in OPEN:
        detail, code = "A payment of this order is under way.", "payment_in_progress"
    else:
        detail, code = "This order is paid.", "already_paid"
    raise Conflict(detail, code=code, payment_id=payment["id"])


def _charge(till: Till, payment: Row) -> Charge | None:
    reach("payment.before_charge")
    charge = asked(lambda: till.processor.charge(wish_of(payment)), payment_id=payment["id"])
    reach("payment.charged")
    return charge


def _record(till: Till, call: Call, payment_id: str, charge: Charge | None) -> Json:
    try:
        answer: Json = run_idempotently(
            till.db, call, lambda c: _finish(c, call, payment_id, charge, till.settings)
        )
    finally:
        reach("payment.recorded")
    return answer


def _finish(
    connection: Connection, call: Call, payment_id: str, charge: Charge | None, settings: PaymentSettings
) -> Json:
    if charge is not None:
        settle(connection, payment_id, charge, settings)
    shown = shown_payment(connection, payment_id, call.account, settings.action)
    if shown["status"] == PaymentStatus.FAILED:
        raise Declined("The payment was declined.", payment_id=payment_id, failure=shown["failure"])
    return shown


def _capture(
    connection: Connection, due: Row, payment: Row, charge: Charge, settings: PaymentSettings
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
        available_at=now + settings.holding,
        check_at=None,
    )
    fee = payment["fee_minor"]
    split = ledger.Split(fee, payment["amount_minor"] - fee)
    movement = ledger.capture(parties_of(due), split)
    post(connection, movement, order_id=due["order_id"], payment_id=payment["id"])
    change_due(connection, due, "captured", payment["id"])


def _fail(connection: Connection, due: Row, payment: Row, failure: str) -> None:
    ended = {"status": PaymentStatus.FAILED, "action_url": None, "check_at": None}
    change_payment(connection, payment, failure=failure, **ended)
    change_due(connection, due, "failed", payment["id"])
