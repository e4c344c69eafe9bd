"""What an order owes, as an answer; orders is asked about an order whose completion has not arrived here."""

from collections.abc import Callable

from sqlalchemy import Connection

from kit.errors import Conflict
from kit.tokens import Caller
from services.payments.payment_context import Till
from services.payments.queries import OrderUnknown, find_receivable
from services.payments.receivables import fall_due_by_answer
from services.payments.rendering import Json


def get_receivable(till: Till, caller: Caller, order_id: str, ask_orders: Callable[[str], Json]) -> Json:
    """What an order owes, for its parties and staff.

    Raises: NotFound; Conflict `payment_not_due` before the order is completed.
    """

    def find(connection: Connection) -> Json:
        return find_receivable(connection, order_id, caller)

    try:
        return till.db.read(find)
    except OrderUnknown:
        order = ask_orders(order_id)
    till.db.write(lambda connection: fall_due_by_answer(connection, order, till.settings))
    try:
        return till.db.read(find)
    except OrderUnknown:
        raise payment_not_due(order) from None


def payment_not_due(order: Json) -> Conflict:
    """The error for an order, as orders answers it, that owes nothing yet."""
    return Conflict(
        "An order is paid once it is completed.", code="payment_not_due", current_status=order["status"]
    )
