"""The rules of submitting an order. Pure; the offer is what catalog published, never the client's."""

from dataclasses import dataclass

from kit.errors import Conflict
from kit.types import Money
from services.catalog.types import Offer
from services.orders.contract import Status
from services.orders.lifecycle import RULES, OrderState
from services.orders.settings import OrderPeriods

MOST_COUNTED = 10_000
SUBMITTED: Status = next(
    rule.target for rule in RULES if rule.transition == "submit" and isinstance(rule.target, Status)
)


@dataclass(frozen=True)
class OutstandingOrders:
    """A customer's orders that wait for an answer, in all and from the provider, counted as far as the
    quotas go; and the one whose payment has been overdue longest, if any."""

    pending: int
    pending_at_provider: int
    overdue_id: str | None
    overdue_number: str | None


def check_offer(offer: Offer | None, customer_id: str, expected_price: Money | None) -> Offer:
    """Returns the offer if this customer may order it now; None stands for one unknown to the catalog.

    Raises: Conflict `own_service`, `service_unavailable` or, with `current_price` in its data,
    `price_changed`, in this order.
    """
    if offer is not None and offer["provider"]["id"] == customer_id:
        raise Conflict("This is your own service.", code="own_service")
    if offer is None or offer["status"] != "active":
        raise Conflict("This service cannot be ordered now.", code="service_unavailable")
    if expected_price not in (None, offer["price"]):
        raise Conflict("The price has changed.", code="price_changed", current_price=offer["price"])
    return offer


def may_be_outdated(offer: Offer, customer_id: str, expected_price: Money | None) -> bool:
    """Whether a stored offer would be refused for what its provider may have changed by now."""
    if offer["provider"]["id"] == customer_id:
        return False
    return offer["status"] != "active" or expected_price not in (None, offer["price"])


def state_at_submission(offer: Offer, customer_id: str) -> OrderState:
    """Returns the state of a new order for an offer."""
    return OrderState(
        customer_id=customer_id,
        provider_id=offer["provider"]["id"],
        delivery_days=offer["delivery_days"],
        revisions_allowed=offer["revisions"],
        status=SUBMITTED,
    )


def check_outstanding_orders(outstanding: OutstandingOrders, settings: OrderPeriods) -> None:
    """Refuses the order of a customer who has an overdue payment or too many pending orders.

    Raises: Conflict `payment_overdue` with the order, `quota_exceeded` with `quota` (the setting's name
    in lower case) and `limit`.
    """
    if settings.overdue_blocks_orders and outstanding.overdue_id is not None:
        raise Conflict(
            f"Pay order {outstanding.overdue_number} first; its payment is overdue.",
            code="payment_overdue",
            order_id=outstanding.overdue_id,
            order_number=outstanding.overdue_number,
        )
    if 0 < counted(settings.pending_orders_per_provider) <= outstanding.pending_at_provider:
        raise _exceeded("pending_orders_per_provider", settings, " with this provider")
    if 0 < counted(settings.pending_orders) <= outstanding.pending:
        raise _exceeded("pending_orders", settings, "")


def counted(quota: int) -> int:
    """Returns how many pending orders have to be counted at most; none where there is no quota."""
    return quota if quota <= MOST_COUNTED else 0


def _exceeded(quota: str, settings: OrderPeriods, where: str) -> Conflict:
    limit = getattr(settings, quota)
    detail = f"{limit} of your orders are pending{where}. Wait for an answer, or withdraw one."
    return Conflict(detail, code="quota_exceeded", quota=quota, limit=limit)
