"""Review slots: what reviews knows of orders, kept from events and from answers of orders."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, or_
from sqlalchemy.dialects.postgresql import insert

from services.orders.contract import Status
from services.reviews.access import FINAL
from services.reviews.models import REVIEW_SLOTS

Json = dict[str, Any]


def apply_order_event(connection: Connection, event: Json) -> None:
    """Keeps what an `order_status_changed` says, unless something newer is known.

    A final status is never left again: it may have come by an answer of orders, which carries
    no sequence, while older events were still on their way.
    """
    completed = event["to_status"] == Status.COMPLETED
    completed_at = (event["completed_at"] or event["occurred_at"]) if completed else None
    offered = insert(REVIEW_SLOTS).values(
        **_whose(event, event["order_id"]),
        status=event["to_status"],
        sequence=event["sequence"],
        completed_at=completed_at and datetime.fromisoformat(completed_at),
    )
    new = offered.excluded
    newer = and_(
        new.sequence > REVIEW_SLOTS.c.sequence,
        or_(REVIEW_SLOTS.c.status.not_in(FINAL), REVIEW_SLOTS.c.status == new.status),
    )
    changed = {column.name: column for column in new if column.name != "order_id"}
    connection.execute(offered.on_conflict_do_update(index_elements=["order_id"], set_=changed, where=newer))


def keep_answer(connection: Connection, order: Json) -> None:
    """Keeps what orders itself answered about an order whose events have not all arrived.

    The sequence stays as it was (0 for an order never heard of), so that later events still apply.
    """
    completed = order["status"] == Status.COMPLETED
    offered = insert(REVIEW_SLOTS).values(
        **_whose(order, order["id"]),
        status=order["status"],
        sequence=0,
        completed_at=datetime.fromisoformat(order["updated_at"]) if completed else None,
    )
    new = offered.excluded
    connection.execute(
        offered.on_conflict_do_update(
            index_elements=["order_id"],
            set_={"status": new.status, "completed_at": new.completed_at},
            where=REVIEW_SLOTS.c.status.not_in(FINAL),
        )
    )


def _whose(order: Json, order_id: str) -> Json:
    return {
        "order_id": order_id,
        "customer_id": order["customer"]["id"],
        "customer_name": order["customer"]["display_name"],
        "provider_id": order["provider"]["id"],
        "provider_name": order["provider"]["display_name"],
        "service_id": order["service"]["id"],
        "service_title": order["service"]["title"],
    }
