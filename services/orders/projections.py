"""What orders knows of payments: the status it shows, and until when an order is to be paid."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, update

from services.orders.models import ORDERS


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
