"""Everything an order's page shows, asked for at once."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import aiohttp

from client import MarketplaceClient, Problem, Unreachable
from client.resources import Listing, Message, Money, Order, OrderTransition, Payment, Review
from kit import dates
from website.forms.form import Form
from website.views import order_banner
from website.views.timeline import Movement

MESSAGES_SHOWN = 60
SANDBOX = "/v1/sandbox/actions/"
EDIT_WINDOW = timedelta(hours=24)  # domain.md; the API decides
REFUNDABLE = frozenset({"paid", "partly_refunded"})
NOT_YET = frozenset({403, 404, 409})
NOTHING: Listing[Any] = {"data": [], "page": {"next_cursor": None, "has_more": False}}

Asked = TypeVar("Asked")


@dataclass
class OrderView:
    """An order with all that belongs to it, as one person sees it.

    `before` and `until` name an earlier part of the messages: its cursor, and when the part after it
    begins. `away` names what cannot be shown now: "messages", "payments", "review".
    """

    order: Order
    transitions: list[OrderTransition]
    messages: Listing[Message]
    payments: list[Payment]
    review: Review | None
    role: str
    before: str | None
    until: str | None
    away: frozenset[str]
    forms: dict[str, Form] = field(default_factory=dict)

    @property
    def payment(self) -> Payment | None:
        """The last try to pay."""
        return self.payments[0] if self.payments else None

    @property
    def second_step(self) -> str:
        """Where its customer goes on with the last try to pay; empty when it does not, and for others."""
        return action_path(self.payment) if self.payment else ""

    @property
    def wants_review(self) -> bool:
        """Whether the reader can be asked for a review."""
        is_completed = self.order["status"] == order_banner.COMPLETED
        return (
            self.role == order_banner.CUSTOMER
            and is_completed
            and self.review is None
            and "review" not in self.away
        )

    @property
    def can_pay(self) -> bool:
        """Whether the reader can pay now."""
        return self.role == order_banner.CUSTOMER and self._is_at(order_banner.TO_BE_PAID)

    @property
    def can_refund(self) -> bool:
        """Whether the reader can give money back."""
        return self.role != order_banner.CUSTOMER and self.payment is not None and self._is_at(REFUNDABLE)

    def _is_at(self, payment_statuses: frozenset[str]) -> bool:
        is_completed = self.order["status"] == order_banner.COMPLETED
        return (
            is_completed and "payments" not in self.away and self.order["payment_status"] in payment_statuses
        )

    @property
    def left_to_refund(self) -> Money | None:
        """What of the payment was not given back, and is not on its way back."""
        if self.payment is None:
            return None
        back = sum(one["amount"]["amount"] for one in self.payment["refunds"] if one["status"] != "failed")
        amount = self.payment["amount"]
        return {"amount": amount["amount"] - back, "currency": amount["currency"]}

    @property
    def has_no_changes_left(self) -> bool:
        """Whether the reader might look for a way to ask for changes, and there is none any more."""
        looks = self.role == order_banner.CUSTOMER and self.order["status"] == order_banner.WORK_COMPLETED
        return (
            looks
            and not self.order["disputed"]
            and "request_changes" not in self.order["available_transitions"]
        )

    @property
    def movements(self) -> list[Movement]:
        """What happened to the order's money, told by its payments."""
        found: list[Movement] = []
        for payment in self.payments:
            if payment["paid_at"]:
                found.append(Movement(payment["paid_at"], "paid", payment["amount"]))
            elif payment["status"] == "failed":
                found.append(Movement(payment["updated_at"], "failed", payment["amount"]))
            back = (one for one in payment["refunds"] if one["status"] == "refunded")
            found += [Movement(one["updated_at"], "refunded", one["amount"]) for one in back]
        return found

    @property
    def can_reply(self) -> bool:
        """Whether the review waits for its one reply."""
        return self.role == order_banner.PROVIDER and self.review is not None and self.review["reply"] is None

    @property
    def can_edit_review(self) -> bool:
        """Whether the reader wrote the review, a short while ago."""
        if self.review is None or self.role != order_banner.CUSTOMER:
            return False
        return dates.parse(self.review["created_at"]) + EDIT_WINDOW > datetime.now(UTC)

    @property
    def earlier(self) -> dict[str, str] | None:
        """The query of the page with the messages before these, if there are any."""
        cursor, shown = self.messages["page"]["next_cursor"], self.messages["data"]
        return {"before": cursor, "until": shown[-1]["created_at"]} if cursor and shown else None

    @property
    def unread_message(self) -> str | None:
        """The newest message of the other party that the reader had not read; None for staff."""
        other = {order_banner.CUSTOMER: "provider", order_banner.PROVIDER: "customer"}.get(self.role)
        for message in self.messages["data"]:
            if other and message["author"]["id"] == self.order[other]["id"]:  # type: ignore[literal-required]
                return None if message["read_at"] else message["id"]
        return None

    @property
    def lost_forms(self) -> list[Form]:
        """Forms that were refused, and that the page no longer has: their texts are shown all the same."""
        places = {
            "message": self.role != order_banner.STAFF,
            "payment": self.can_pay,
            "refund": self.can_refund,
            "review": self.wants_review,
            "review_edit": self.can_edit_review,
            "reply": self.can_reply,
        }
        may = self.order["available_transitions"]
        return [form for name, form in self.forms.items() if not places.get(name, name in may)]

    def form(self, name: str) -> Form:
        """The form of that name: as it was sent, or empty."""
        return self.forms.get(name) or Form()


async def view_order(
    api: MarketplaceClient, order_id: str, account_id: str, before: str | None, until: str | None
) -> OrderView:
    """Asks for everything in parallel; what its service cannot say now is left out, and named.

    Raises: Problem when the order itself cannot be read.
    """
    away: set[str] = set()
    order, transitions, messages, payments, review = await asyncio.gather(
        api.order(order_id),
        _all(api, f"/v1/orders/{order_id}/transitions"),
        _if_there(lambda: api.messages(order_id, limit=MESSAGES_SHOWN, cursor=before), "messages", away),
        _if_there(lambda: api.payments(order_id), "payments", away),
        _if_there(lambda: api.review(order_id), "review", away),
    )
    tries = (payments or NOTHING)["data"]
    return OrderView(
        order=with_newest_payment(order, tries),
        transitions=transitions,
        messages=messages or NOTHING,
        payments=tries,
        review=review,
        role=order_banner.role_on(order, account_id),
        before=before,
        until=_time(until),
        away=frozenset(away),
    )


def action_path(payment: Payment) -> str:
    """Where the second step is: the sandbox's is a page of ours, any other's is its own."""
    url = payment["action_url"] or ""
    return url.replace(SANDBOX, "/pay/", 1) if url.startswith(SANDBOX) else url


def with_newest_payment(order: Order, payments: Sequence[Payment]) -> Order:
    """The order with its payment as payments knows it: the order hears of it a moment later."""
    if not payments:
        return order
    status = payments[0]["status"]
    return {**order, "payment_status": "processing" if status == "requires_action" else status}


async def _all(api: MarketplaceClient, path: str) -> list[Any]:
    return [item async for item in api.all_of(path)]


async def _if_there(ask: Callable[[], Awaitable[Asked]], name: str, away: set[str]) -> Asked | None:
    try:
        return await ask()
    except Problem as problem:
        if problem.status in NOT_YET:
            return None
        if problem.status < 500:
            raise
    except (Unreachable, aiohttp.ClientError, TimeoutError):
        pass  # an order without its payments is better than none
    away.add(name)
    return None


def _time(text: str | None) -> str | None:
    """A time of an address, None for what is none."""
    try:
        return text and dates.parse(text).isoformat()
    except ValueError:
        return None
