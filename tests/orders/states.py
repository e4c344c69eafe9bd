"""Orders as the rules see them, for the tests of the rules."""

from datetime import UTC, datetime, timedelta
from typing import Any

from services.orders.contract import Status
from services.orders.lifecycle import OrderState, TransitionRequest, advance, decide
from services.orders.settings import OrderPeriods

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
EARLIER = NOW - timedelta(days=2)
PERIODS = OrderPeriods()
CARL, PIA, STEF, SAM = "customer-id", "provider-id", "staff-id", "stranger-id"


def order(status: int, **fields: Any) -> OrderState:
    """An order of Carl's at Pia's, with one revision."""
    return OrderState(CARL, PIA, 3, 1, Status(status), **fields)


def full_request(transition: str, **fields: Any) -> TransitionRequest:
    """A request that lacks nothing."""
    to_status = 4 if transition == "resolve_dispute" else None
    return TransitionRequest(transition, **{"reason": "Because.", "to_status": to_status, **fields})


def take(state: OrderState, transition: str, role: str, now: datetime = NOW, **fields: Any) -> OrderState:
    """The order after a step."""
    return advance(state, decide(state, (role,), full_request(transition, **fields)), now, PERIODS)
