"""Everything an order's page shows, asked for at once."""

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from client import MarketplaceClient, Problem
from client.resources import Listing, Message, Order, OrderTransition, Payment, Review
from web import moments, turns
from web.forms import Form

MESSAGES_SHOWN = 60
EDIT_WINDOW = timedelta(hours=24)  # domain.md; the API decides
NOT_YET = frozenset({403, 404, 409})

Asked = TypeVar("Asked")


@dataclass
class OrderView:
    """An order with all that belongs to it, as one person sees it."""

    order: Order
    transitions: list[OrderTransition]
    messages: Listing[Message]
    payments: list[Payment]
    review: Review | None
    role: str
    before: str | None
    forms: dict[str, Form] = field(default_factory=dict)

    @property
    def payment(self) -> Payment | None:
        """The last try to pay."""
        return self.payments[0] if self.payments else None

    @property
    def wants_review(self) -> bool:
        """Whether the reader can be asked for a review."""
        return self.role == turns.CUSTOMER and self.order["status"] == turns.COMPLETED and self.review is None

    @property
    def can_edit_review(self) -> bool:
        """Whether the reader wrote the review, a short while ago."""
        if self.review is None or self.role != turns.CUSTOMER:
            return False
        return moments.parse(self.review["created_at"]) + EDIT_WINDOW > datetime.now(UTC)

    @property
    def unread_message(self) -> str | None:
        """The newest message of the other party that the reader had not read; None for staff."""
        other = {turns.CUSTOMER: "provider", turns.PROVIDER: "customer"}.get(self.role)
        for message in self.messages["data"]:
            if other and message["author"]["id"] == self.order[other]["id"]:  # type: ignore[literal-required]
                return None if message["read_at"] else message["id"]
        return None

    def form(self, name: str) -> Form:
        """The form of that name: as it was sent, or empty."""
        return self.forms.get(name) or Form()


async def view_order(api: MarketplaceClient, order_id: str, account_id: str, before: str | None) -> OrderView:
    """Asks for everything in parallel. Raises: Problem when the order itself cannot be read."""
    order, transitions, messages, payments, review = await asyncio.gather(
        api.order(order_id),
        _all(api, f"/v1/orders/{order_id}/transitions"),
        api.messages(order_id, limit=MESSAGES_SHOWN, cursor=before),
        _unless_too_early(api.payments(order_id)),
        _unless_too_early(api.review(order_id)),
    )
    tries = payments["data"] if payments is not None else []
    return OrderView(
        order=with_newest_payment(order, tries),
        transitions=transitions,
        messages=messages,
        payments=tries,
        review=review,
        role=turns.role_on(order, account_id),
        before=before,
    )


def with_newest_payment(order: Order, payments: Sequence[Payment]) -> Order:
    """The order with its payment as payments knows it: the order hears of it a moment later."""
    if not payments:
        return order
    status = payments[0]["status"]
    return {**order, "payment_status": "processing" if status == "requires_action" else status}


async def _all(api: MarketplaceClient, path: str) -> list[Any]:
    return [item async for item in api.all_of(path)]


async def _unless_too_early(asked: Coroutine[Any, Any, Asked]) -> Asked | None:
    try:
        return await asked
    except Problem as problem:
        if problem.status not in NOT_YET:
            raise
        return None
