"""Projections of other services' data: which orders can be reviewed, and display names."""

from datetime import datetime

from sqlalchemy import Connection, or_
from sqlalchemy.dialects.postgresql import insert

from chassis.storage.projections import save_if_newer
from services.accounts.types import AccountNamed
from services.orders.contract import Status
from services.orders.types import Order, OrderStatusChanged
from services.reviews.access import FINAL
from services.reviews.models import ACCOUNT_NAMES, REVIEWABLE_ORDERS
from services.reviews.reviewable_orders import parties_and_service, reviewable_order_of


def save_order_of_event(connection: Connection, event: OrderStatusChanged) -> None:
    """Stores what an `order_status_changed` says, unless something newer is known.

    A final status stays: it may come from an answer of orders, which carries no sequence, while
    older events are still on their way.
    """
    completed = event["to_status"] == Status.COMPLETED
    completed_at = (event["completed_at"] or event["occurred_at"]) if completed else None
    offered = {
        **parties_and_service(event, event["order_id"]),
        "status": event["to_status"],
        "sequence": event["sequence"],
        "completed_at": completed_at and datetime.fromisoformat(completed_at),
    }
    stored = REVIEWABLE_ORDERS.c.status
    save_if_newer(
        connection,
        REVIEWABLE_ORDERS,
        offered,
        key=("order_id",),
        version="sequence",
        only_if=or_(stored.not_in(FINAL), stored == event["to_status"]),
    )


def save_order_of_answer(connection: Connection, order: Order) -> None:
    """Stores an order that orders returned because its events have not all arrived here.

    The sequence stays as it is (0 for an order unknown so far), so that later events still apply.
    """
    offered = insert(REVIEWABLE_ORDERS).values(**reviewable_order_of(order), sequence=0)
    new = offered.excluded
    connection.execute(
        offered.on_conflict_do_update(
            index_elements=["order_id"],
            set_={"status": new.status, "completed_at": new.completed_at},
            where=REVIEWABLE_ORDERS.c.status.not_in(FINAL),
        )
    )


def save_display_name(connection: Connection, event: AccountNamed) -> None:
    """Stores the display name of an account event, unless a newer one is known."""
    name = {
        "account_id": event["account_id"],
        "display_name": event["display_name"],
        "account_version": event["account_version"],
    }
    save_if_newer(connection, ACCOUNT_NAMES, name, key=("account_id",), version="account_version")
