"""What orders knows of payments: the status it shows, and whether a customer owes something."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, select, update

from kit.errors import Conflict
from services.orders.models import ORDERS
from services.orders.rendering import number_of

NOT_PAID = ("due", "processing", "failed")


def keep_payment(connection: Connection, event: dict[str, Any]) -> None:
    """Keeps what a `payment_changed` says, unless something newer is known.

    It is no edit of the order: its `version` and `updated_at` stay.
    """
    connection.execute(
        update(ORDERS)
        .where(ORDERS.c.id == event["order_id"], ORDERS.c.payment_version < event["payment_version"])
        .values(
            payment_status=event["payment_status"],
            payment_version=event["payment_version"],
            payment_due_at=datetime.fromisoformat(event["due_at"]),
        )
    )


def require_nothing_overdue(connection: Connection, customer_id: str) -> None:
    """A payment that was begun and not finished is not paid.

    Raises: Conflict `payment_overdue` naming the order that should have been paid longest ago.
    """
    overdue = (
        select(ORDERS.c.id, ORDERS.c.number)
        .where(ORDERS.c.customer_id == customer_id, ORDERS.c.payment_status.in_(NOT_PAID))
        .where(ORDERS.c.payment_due_at < datetime.now(UTC))
        .order_by(ORDERS.c.payment_due_at)
        .limit(1)
    )
    order = connection.execute(overdue).mappings().first()
    if order is not None:
        number = number_of(order)
        raise Conflict(
            f"Order {number} is to be paid first.",
            code="payment_overdue",
            order_id=order["id"],
            order_number=number,
        )
