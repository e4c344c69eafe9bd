"""What the order's page shows where two services know of a thing at different moments."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from client import MarketplaceClient
from client.resources import Order, Payment, Receivable, Review
from website.pages.orders.order_view import NOTHING, OrderView, view_order, with_newest_payment

ORDER = cast(Order, {"id": "o", "payment_status": "processing"})


@pytest.mark.parametrize(
    ("statuses", "shown"),
    [
        ((), "processing"),
        (("failed",), "failed"),
        (("paid", "failed"), "paid"),
        (("requires_action", "failed"), "processing"),
        (("partly_refunded",), "partly_refunded"),
    ],
)
def test_the_page_shows_the_newest_payment_before_the_order_has_heard_of_it(
    statuses: tuple[str, ...], shown: str
) -> None:
    payments = [cast(Payment, {"status": status}) for status in statuses]
    assert with_newest_payment(ORDER, payments)["payment_status"] == shown


def view_of(role: str, **parts: Any) -> OrderView:
    """An order's page with nothing but these parts."""
    shown: dict[str, Any] = {
        "order": ORDER, "transitions": [], "messages": NOTHING, "receivable": None, "payments": [],
        "review": None, "review_actions": [], "role": role, "before": None, "until": None,
        "unavailable": frozenset(), **parts,
    }  # fmt: skip
    return OrderView(**shown)


@pytest.mark.parametrize("actions", [[], ["pay"]])
def test_paying_is_offered_as_payments_allows_it(actions: list[str]) -> None:
    receivable = cast(Receivable, {"available_actions": actions})
    assert view_of("customer", receivable=receivable).can_pay == bool(actions)
    assert not view_of("customer", receivable=receivable, unavailable=frozenset({"payments"})).can_pay


@pytest.mark.parametrize("actions", [[], ["refund"], ["confirm"]])
def test_refunds_and_confirmations_are_offered_as_payments_allows_them(actions: list[str]) -> None:
    url = "/v1/sandbox/actions/token"
    view = view_of("provider", payments=[{"available_actions": actions, "action_url": url}])
    assert view.can_refund == (actions == ["refund"])
    assert view.confirmation_path == ("/pay/token" if actions == ["confirm"] else "")


@pytest.mark.parametrize("actions", [[], ["edit"], ["reply"], ["edit", "reply"]])
def test_reviews_are_edited_and_replied_to_as_reviews_allows_it(actions: list[str]) -> None:
    review = cast(Review, {"available_actions": actions})
    assert view_of("customer", review=review).can_edit_review == ("edit" in actions)
    assert view_of("provider", review=review).can_reply == ("reply" in actions)
    assert not view_of("provider", review=review).can_edit_review
    assert not view_of("staff", review=review).can_reply


@pytest.mark.parametrize("actions", [[], ["submit"]])
def test_only_the_customer_is_asked_for_a_review_and_only_in_time(actions: list[str]) -> None:
    assert view_of("customer", review_actions=actions).can_submit_review == bool(actions)
    assert not view_of("provider", review_actions=actions).can_submit_review


class AskedClient:
    """Remembers what the page fetched of an order in some status."""

    def __init__(self, status: int) -> None:
        people = {"customer": {"id": "c"}, "provider": {"id": "p"}}
        self.answers: dict[str, Any] = {
            "order": {"id": "o", "status": status, "payment_status": "due", **people},
            "messages": NOTHING,
            "receivable": {"available_actions": ["pay"]},
            "payments": NOTHING,
            "review": {"available_actions": []},
        }
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        async def answer(*_: Any, **__: Any) -> Any:
            self.asked.append(name)
            return self.answers[name]

        return answer

    async def all_of(self, _path: str) -> AsyncIterator[Any]:
        self.asked.append("transitions")
        yield {}


@pytest.mark.parametrize("status", [1, 2, 3, 4, 7])
def test_payments_and_review_are_fetched_of_completed_orders_only(status: int) -> None:
    client = AskedClient(status)
    view = asyncio.run(view_order(cast(MarketplaceClient, client), "o", "c", None, None))
    of_completed = ["payments", "receivable", "review"] if status == 4 else []
    assert sorted(client.asked) == sorted(["order", "transitions", "messages", *of_completed])
    assert (view.receivable is not None, view.review is not None) == (status == 4, status == 4)
    assert view.unavailable == frozenset()
