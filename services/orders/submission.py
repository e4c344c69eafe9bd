"""The rules of submitting an order. Pure; the offer comes from the catalog, never from the client."""

from dataclasses import dataclass
from typing import Any

from kit.errors import Conflict
from services.orders.contract import Status
from services.orders.lifecycle import RULES, OrderState
from services.orders.settings import OrderPeriods

Offer = dict[str, Any]
NOT_PAID = ("due", "processing", "failed")  # a payment that was begun and not finished is not paid
SUBMITTED: Status = next(
    rule.target for rule in RULES if rule.transition == "submit" and isinstance(rule.target, Status)
)


@dataclass(frozen=True)
class Standing:
    """A customer's orders that wait for an answer, in all and at the provider, and the one that should
    have been paid longest ago, if any."""

    pending_in_all: int
    pending_at_provider: int
    overdue_id: str | None
    overdue_number: str | None


def check_offer(offer: Offer | None, customer_id: str, expected_price: dict[str, Any] | None) -> Offer:
    """The offer, if this customer may order it now; None stands for one the catalog does not know.

    Raises: Conflict `own_service`, `service_unavailable` or, with `current_price` in its data,
    `price_changed`, in this order.
    """
    if offer is not None and offer["provider"]["id"] == customer_id:
        raise Conflict("This is your own service.", code="own_service")
    if offer is None or offer["status"] != "active":
        raise Conflict("This service cannot be ordered now.", code="service_unavailable")
    if expected_price not in (None, offer["price"]):
        raise Conflict("The price is another by now.", code="price_changed", current_price=offer["price"])
    return offer


def state_at_submission(offer: Offer, customer_id: str) -> OrderState:
    """The order that an offer becomes."""
    return OrderState(
        customer_id=customer_id,
        provider_id=offer["provider"]["id"],
        delivery_days=offer["delivery_days"],
        revisions_allowed=offer["revisions"],
        status=SUBMITTED,
    )


def check_standing(standing: Standing, settings: OrderPeriods) -> None:
    """Refuses the order of a customer who has to pay first, or has too many orders waiting.

    Raises: Conflict `payment_overdue` with the order, `quota_exceeded` with `quota` (the setting's name
    in lower case) and `limit`.
    """
    if settings.overdue_blocks_orders and standing.overdue_id is not None:
        raise Conflict(
            f"Order {standing.overdue_number} is to be paid first.",
            code="payment_overdue",
            order_id=standing.overdue_id,
            order_number=standing.overdue_number,
        )
    if standing.pending_at_provider >= settings.pending_orders_per_provider:
        raise _exceeded("pending_orders_per_provider", settings, " by this provider")
    if standing.pending_in_all >= settings.pending_orders:
        raise _exceeded("pending_orders", settings, "")


def _exceeded(quota: str, settings: OrderPeriods, by_whom: str) -> Conflict:
    limit = getattr(settings, quota)
    detail = f"{limit} of your orders are still to be answered{by_whom}. Wait for an answer, or withdraw one."
    return Conflict(detail, code="quota_exceeded", quota=quota, limit=limit)
