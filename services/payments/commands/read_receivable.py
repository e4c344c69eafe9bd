"""Reads of one order's payments, which ask orders about an order that is unknown here."""

from collections.abc import Callable

from kit.paging import Page
from kit.security.tokens import Caller
from services.orders.types import Order
from services.payments import queries
from services.payments.payment_context import PaymentContext
from services.payments.receivables import open_receivable_from_order, payment_not_due
from services.payments.types import Payment, Receivable
from services.unknown_orders import OrderUnknown, run_with_order

GetOrder = Callable[..., Order]


def get_receivable(context: PaymentContext, caller: Caller, order_id: str, get_order: GetOrder) -> Receivable:
    """What an order owes, for its parties and staff.

    Raises: NotFound; Conflict `payment_not_due` before the order is completed.
    """

    def read(order: Order | None) -> Receivable:
        if order is not None:
            context.db.write(lambda c: open_receivable_from_order(c, order, context.settings))
        try:
            return context.db.read(lambda c: queries.receivable_of_order(c, caller, order_id))
        except OrderUnknown:
            if order is None:
                raise
            raise payment_not_due(order) from None

    return run_with_order(get_order, order_id, read)


def list_payments(
    context: PaymentContext,
    caller: Caller,
    order_id: str,
    limit: int,
    cursor: str | None,
    get_order: GetOrder,
) -> Page[Payment]:
    """The payments of an order, newest first, for its parties and staff; none of an order unknown here.

    Raises: NotFound; BadQuery for a cursor of another list.
    """
    period = context.settings.action_period

    def read(order: Order | None) -> Page[Payment]:
        if order is not None:
            return {"data": [], "next_cursor": None}
        return context.db.read(lambda c: queries.list_payments(c, caller, order_id, period, limit, cursor))

    return run_with_order(get_order, order_id, read)
