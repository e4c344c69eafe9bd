"""The rules of submitting an order. Pure; the offer comes from the catalog, never from the client."""

from typing import Any

from kit.errors import Conflict
from services.orders.contract import Status
from services.orders.lifecycle import RULES, OrderState

Offer = dict[str, Any]
SUBMITTED: Status = next(
    rule.target for rule in RULES if rule.transition == "submit" and isinstance(rule.target, Status)
)


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
