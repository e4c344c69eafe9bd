"""The data of an order's page, fetched concurrently. What its reader may do is what the API says."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import aiohttp

from client import MarketplaceClient, Problem, Unreachable
from client.resources import Listing, Message, Money, Order, OrderTransition, Payment, Receivable, Review
from kit.localization import dates
from website.forms.form import Form
from website.views import order_banner
from website.views.timeline import Movement

MESSAGES_SHOWN = 60
SANDBOX = "/v1/sandbox/actions/"
NOT_YET = frozenset({403, 404, 409})
NOTHING: Listing[Any] = {"data": [], "page": {"next_cursor": None, "has_more": False}}

Result = TypeVar("Result")


@dataclass
class OrderView:
    """An order with all that belongs to it, as one person sees it.

    `before` and `until` select an earlier page of the messages: its cursor, and the time at which the page
    after it begins. `unavailable` names what could not be fetched: "messages", "payments", "review".
    `receivable` is None before the order is completed. `review_actions` is what the customer may do about an
    order without a review.
    """

    order: Order
    transitions: list[OrderTransition]
    messages: Listing[Message]
    receivable: Receivable | None
    payments: list[Payment]
    review: Review | None
    review_actions: list[str]
    role: str
    before: str | None
    until: str | None
    unavailable: frozenset[str]
    forms: dict[str, Form] = field(default_factory=dict)

    @property
    def payment(self) -> Payment | None:
        """The latest payment."""
        return self.payments[0] if self.payments else None

    @property
    def confirmation_path(self) -> str:
        """Where the reader confirms the latest payment; empty when they need not, or may not."""
        if self.payment is None or "confirm" not in self.payment["available_actions"]:
            return ""
        return action_path(self.payment)

    @property
    def can_submit_review(self) -> bool:
        """Whether the reader may submit a review."""
        return self.role == order_banner.CUSTOMER and "submit" in self.review_actions

    @property
    def can_pay(self) -> bool:
        """Whether the reader may pay now."""
        if self.receivable is None or "payments" in self.unavailable:
            return False
        return "pay" in self.receivable["available_actions"]

    @property
    def can_refund(self) -> bool:
        """Whether the reader may refund the latest payment."""
        return self.payment is not None and "refund" in self.payment["available_actions"]

    @property
    def refundable(self) -> Money | None:
        """What is neither refunded nor being refunded of the latest payment."""
        return self.payment["refundable"] if self.payment else None

    @property
    def has_no_changes_left(self) -> bool:
        """Whether the customer can no longer request changes of the work that waits for them."""
        is_asked = self.role == order_banner.CUSTOMER and self.order["status"] == order_banner.WORK_COMPLETED
        return (
            is_asked
            and not self.order["disputed"]
            and "request_changes" not in self.order["available_transitions"]
        )

    @property
    def movements(self) -> list[Movement]:
        """The payments and refunds of the order, as entries of the timeline."""
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
        """Whether the reader may reply to the review."""
        return self.role == order_banner.PROVIDER and self._can("reply")

    @property
    def can_edit_review(self) -> bool:
        """Whether the reader may change the review."""
        return self.role == order_banner.CUSTOMER and self._can("edit")

    def _can(self, action: str) -> bool:
        return self.review is not None and action in self.review["available_actions"]

    @property
    def earlier(self) -> dict[str, str] | None:
        """The query of the page with earlier messages, if there are any."""
        cursor, shown = self.messages["page"]["next_cursor"], self.messages["data"]
        return {"before": cursor, "until": shown[-1]["created_at"]} if cursor and shown else None

    @property
    def unread_message(self) -> str | None:
        """The id of the other party's newest message if the reader has not read it; None for staff."""
        other = {order_banner.CUSTOMER: "provider", order_banner.PROVIDER: "customer"}.get(self.role)
        for message in self.messages["data"]:
            if other and message["author"]["id"] == self.order[other]["id"]:  # type: ignore[literal-required]
                return None if message["read_at"] else message["id"]
        return None

    @property
    def orphaned_forms(self) -> list[Form]:
        """Refused forms that the page no longer contains: their texts are shown nevertheless."""
        places = {
            "message": self.role != order_banner.STAFF,
            "payment": self.can_pay,
            "refund": self.can_refund,
            "review": self.can_submit_review,
            "review_edit": self.can_edit_review,
            "reply": self.can_reply,
        }
        may = self.order["available_transitions"]
        return [form for name, form in self.forms.items() if not places.get(name, name in may)]

    def form(self, name: str) -> Form:
        """Returns the form of that name: as it was sent, or empty."""
        return self.forms.get(name) or Form()


@dataclass
class Completed:
    """What belongs to an order once it is completed; nothing of any other order."""

    receivable: Receivable | None = None
    payments: list[Payment] = field(default_factory=list)
    review: Review | None = None
    review_actions: list[str] = field(default_factory=list)


async def view_order(
    api: MarketplaceClient, order_id: str, account_id: str, before: str | None, until: str | None
) -> OrderView:
    """Fetches everything concurrently; what cannot be fetched is left out, and named in `unavailable`.

    Raises: Problem when the order itself cannot be read.
    """
    missing: set[str] = set()
    (order, completed), transitions, messages = await asyncio.gather(
        _order(api, order_id, missing),
        _all(api, f"/v1/orders/{order_id}/transitions"),
        _if_available(
            lambda: api.messages(order_id, limit=MESSAGES_SHOWN, cursor=before), "messages", missing
        ),
    )
    return OrderView(
        order=with_newest_payment(order, completed.payments),
        transitions=transitions,
        messages=messages or NOTHING,
        receivable=completed.receivable,
        payments=completed.payments,
        review=completed.review,
        review_actions=completed.review_actions,
        role=order_banner.role_on(order, account_id),
        before=before,
        until=_time(until),
        unavailable=frozenset(missing),
    )


def action_path(payment: Payment) -> str:
    """Returns where a payment is confirmed: at the sandbox a page of the site, else the processor's URL."""
    url = payment["action_url"] or ""
    return url.replace(SANDBOX, "/pay/", 1) if url.startswith(SANDBOX) else url


def with_newest_payment(order: Order, payments: Sequence[Payment]) -> Order:
    """Returns the order with the status of its newest payment: orders learns of it a moment later."""
    if not payments:
        return order
    status = payments[0]["status"]
    return {**order, "payment_status": "processing" if status == "requires_action" else status}


async def _order(api: MarketplaceClient, order_id: str, missing: set[str]) -> tuple[Order, Completed]:
    """Returns an order, and what belongs to it once it is completed."""
    order = await api.order(order_id)
    if order["status"] != order_banner.COMPLETED:
        return order, Completed()
    receivable, payments, (review, review_actions) = await asyncio.gather(
        _if_available(lambda: api.receivable(order_id), "payments", missing),
        _if_available(lambda: api.payments(order_id), "payments", missing),
        _review(api, order_id, missing),
    )
    return order, Completed(receivable, (payments or NOTHING)["data"], review, review_actions)


async def _all(api: MarketplaceClient, path: str) -> list[Any]:
    return [item async for item in api.all_of(path)]


async def _review(
    api: MarketplaceClient, order_id: str, missing: set[str]
) -> tuple[Review | None, list[str]]:
    """Returns the review, or what may be done about an order without one."""
    actions: list[str] = []

    async def fetch() -> Review:
        try:
            return await api.review(order_id)
        except Problem as problem:
            actions.extend(problem.available_actions)
            raise

    return await _if_available(fetch, "review", missing), actions


async def _if_available(
    fetch: Callable[[], Awaitable[Result]], name: str, missing: set[str]
) -> Result | None:
    try:
        return await fetch()
    except Problem as problem:
        if problem.status in NOT_YET:
            return None
        if problem.status < 500:
            raise
    except (Unreachable, aiohttp.ClientError, TimeoutError):
        pass  # the page is shown without it
    missing.add(name)
    return None


def _time(text: str | None) -> str | None:
    """Returns a timestamp of the query string; None for what is none."""
    try:
        return text and dates.parse(text).isoformat()
    except ValueError:
        return None
