"""Projections of other services' data: display names, and the state of an order's payment."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, update

from chassis.storage.projections import save_if_newer
from services.orders.models import ACCOUNT_NAMES, ORDERS


def save_display_name(connection: Connection, event: dict[str, Any]) -> None:
    """Stores the display name of an account event, unless a newer one is known."""
    name = {column: event[column] for column in ("account_id", "display_name", "account_version")}
    save_if_newer(connection, ACCOUNT_NAMES, name, key=("account_id",), version="account_version")


def save_payment_status(connection: Connection, event: dict[str, Any]) -> None:
    """Stores the status and due date of a `payment_changed`, unless a newer one is known.

    This does not edit the order: its `version` and `updated_at` stay.
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
