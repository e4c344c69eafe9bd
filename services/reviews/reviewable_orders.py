"""What of an order decides who may review it, and until when: the columns of REVIEWABLE_ORDERS."""

from datetime import datetime
from typing import Any, TypeAlias

from services.orders.contract import Status
from services.orders.types import Order, OrderStatusChanged

Columns: TypeAlias = dict[str, Any]


def reviewable_order_of(order: Order) -> Columns:
    """Returns what is stored of an order that orders returned, without a sequence."""
    completed = order["status"] == Status.COMPLETED
    return {
        **parties_and_service(order, order["id"]),
        "status": order["status"],
        "completed_at": datetime.fromisoformat(order["updated_at"]) if completed else None,
    }


def parties_and_service(order: Order | OrderStatusChanged, order_id: str) -> Columns:
    """Returns who and what an order is about, with the names of its time."""
    return {
        "order_id": order_id,
        "customer_id": order["customer"]["id"],
        "customer_name": order["customer"]["display_name"],
        "provider_id": order["provider"]["id"],
        "provider_name": order["provider"]["display_name"],
        "service_id": order["service"]["id"],
        "service_title": order["service"]["title"],
    }
