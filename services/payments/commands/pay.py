"""Paying an order: begun and committed, charged at the processor, recorded with its answer."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import uuid6
from sqlalchemy import Connection, select

from chassis.runtime.context import Call
from kit.errors import Conflict, Declined, ServiceError
from kit.security.tokens import Caller
from kit.validation import is_id
from services.orders.types import Order
from services.payments.access import Row, not_found, require_customer
from services.payments.commands.two_phase import PendingRequest, begin_once, run_in_two_phases
from services.payments.contract import PaymentStatus
from services.payments.ledger.rules import split_payment
from services.payments.ledger.settlement import settle_charge
from services.payments.lifecycle import OPEN, next_payment_status, required
from services.payments.models import PAYMENTS
from services.payments.payment_context import PaymentContext
from services.payments.processors.base import Charge
from services.payments.processors.requests import request_charge
from services.payments.queries import payment_by_id
from services.payments.receivables import change_receivable, open_receivable_from_order, payment_not_due
from services.payments.rows import lock_receivable
from services.payments.types import Payment
from services.unknown_orders import OrderUnknown, run_with_order

GetOrder = Callable[..., Order]


def pay(context: PaymentContext, call: Call, order_id: str, method: str, get_order: GetOrder) -> Payment:
    """Pays an order as its customer; returns the payment, paid or not yet.

    Raises: NotFound, Forbidden; Invalid for an unknown method; Declined; Conflict
    `payment_not_due`, `payment_in_progress`, `already_paid`, `idempotency_in_progress`.
    """
    caller = call.account

    def begin_with(order: Order | None) -> PendingRequest:
        return context.db.write(lambda c: _begin(c, context, call, order_id, method, order))

    def complete(connection: Connection, payment_id: str, charge: Charge | None) -> Payment:
        if charge is not None:
            settle_charge(connection, payment_id, charge, context.settings)
        payment = payment_by_id(connection, caller, payment_id, context.settings.action_period)
        if payment["status"] == PaymentStatus.FAILED:
            failure = payment["failure"]
            raise Declined("The payment was declined.", payment_id=payment_id, failure=failure)
        return payment

    return run_in_two_phases(
        context,
        call,
        "payment",
        begin=lambda: run_with_order(get_order, order_id, begin_with),
        call_processor=lambda payment: request_charge(context, payment),
        complete=complete,
    )


def _begin(
    connection: Connection,
    context: PaymentContext,
    call: Call,
    order_id: str,
    method: str,
    order: Order | None,
) -> PendingRequest:
    """The first phase. `order` is the answer of orders, if it was asked.

    Raises: OrderUnknown when it has to be asked.
    """
    if not is_id(order_id):
        raise not_found()
    if order is not None:
        open_receivable_from_order(connection, order, context.settings)
    receivable = lock_receivable(connection, order_id)

    def make_row() -> dict[str, Any]:
        if receivable is None:
            raise _not_due(call.account, order)
        require_customer(call.account, receivable)
        context.processor.check_method(method, receivable["amount_minor"], receivable["currency"])
        _require_unpaid(connection, order_id)
        return _new_payment(receivable, context, method)

    pending = begin_once(connection, PAYMENTS, call.idempotency, context.settings, make_row)
    if pending.is_new and receivable is not None:
        change_receivable(connection, receivable, "begin", pending.row["id"])
    return PendingRequest({**(receivable or {}), **pending.row}, pending.is_new)


def _not_due(caller: Caller, order: Order | None) -> ServiceError:
    if order is None:
        return OrderUnknown(not_found().detail)
    require_customer(caller, {f"{role}_id": order[role]["id"] for role in ("customer", "provider")})
    return payment_not_due(order)


def _new_payment(receivable: Row, context: PaymentContext, method: str) -> dict[str, Any]:
    split = split_payment(receivable["amount_minor"], context.settings.platform_fee_basis_points)
    return {
        "id": str(uuid6.uuid7()),
        "order_id": receivable["order_id"],
        "amount_minor": receivable["amount_minor"],
        "fee_minor": split.fee_minor,
        "currency": receivable["currency"],
        "processor": context.processor.name,
        "method": method,
        "status": required(next_payment_status(None, "begin", receivable["payment_status"])),
        "created_at": datetime.now(UTC),
    }


def _require_unpaid(connection: Connection, order_id: str) -> None:
    live = select(PAYMENTS).where(PAYMENTS.c.order_id == order_id, PAYMENTS.c.status != PaymentStatus.FAILED)
    payment = connection.execute(live).mappings().first()
    if payment is None:
        return
    if payment["status"] in OPEN:
        detail, code = "A payment of this order is in progress.", "payment_in_progress"
    else:
        detail, code = "This order is paid.", "already_paid"
    raise Conflict(detail, code=code, payment_id=payment["id"])
