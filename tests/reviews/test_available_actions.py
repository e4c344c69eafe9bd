from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kit.errors import NotFound, RemoteFailure, TimedOut, Unavailable
from kit.security.tokens import Caller
from services.orders import contract as orders_contract
from tests.reviews.testbed import ReviewsTestbed
from tests.support.placed_orders import Order

DAY = timedelta(days=1)
UNANSWERED = (
    Unavailable("orders is unavailable."),
    TimedOut("orders did not answer in time."),
    RemoteFailure("KeyError: 'status'"),
)


def refusal(testbed: ReviewsTestbed, order: Order, caller: Caller | None = None) -> dict[str, Any]:
    """The members that the answer to a missing review carries."""
    with pytest.raises(NotFound) as raised:
        testbed.get(order, caller or testbed.customer)
    return raised.value.data


def test_a_new_review_can_be_edited_for_a_day_and_replied_to(testbed: ReviewsTestbed) -> None:
    order = testbed.order()
    review = testbed.submit(order)
    submitted_at = datetime.fromisoformat(review["created_at"])
    assert datetime.fromisoformat(review["edit_by"]) == submitted_at + DAY
    for caller in (testbed.customer, testbed.provider, testbed.staff):
        assert testbed.get(order, caller)["available_actions"] == ["edit", "reply"]


def test_a_reply_and_the_deadline_end_what_can_be_done(testbed: ReviewsTestbed) -> None:
    order = testbed.order()
    review = testbed.submit(order)
    assert testbed.reply(review)["available_actions"] == ["edit"]
    testbed.reviews.execute("UPDATE reviews SET created_at = created_at - interval '25 hours'")
    assert testbed.get(order, testbed.customer)["available_actions"] == []
    assert testbed.page(testbed.provider)["data"][0]["available_actions"] == []


def test_without_a_review_the_parties_and_staff_learn_that_one_can_be_submitted(
    testbed: ReviewsTestbed,
) -> None:
    order = testbed.order()
    for caller in (testbed.customer, testbed.provider, testbed.staff):
        members = refusal(testbed, order, caller)
        assert members["available_actions"] == ["submit"]
        assert datetime.fromisoformat(members["review_by"]) == order.completed_at + 60 * DAY
    assert refusal(testbed, order, testbed.stranger) == {}
    assert testbed.orders.asked == 0


def test_after_the_deadline_no_review_can_be_submitted(testbed: ReviewsTestbed) -> None:
    order = testbed.order(completed_at=datetime.now(UTC) - 61 * DAY)
    assert refusal(testbed, order)["available_actions"] == []


@pytest.mark.parametrize("status", [1, 2, 3, 7])
def test_an_order_that_is_not_completed_has_no_deadline(testbed: ReviewsTestbed, status: int) -> None:
    order = testbed.order(known=False, status=status)
    assert refusal(testbed, order) == {"available_actions": [], "review_by": None}
    assert testbed.orders.asked == 1


@pytest.mark.parametrize("known_status", [None, 1, 2, 3])
def test_while_the_completion_may_be_on_its_way_orders_is_asked(
    testbed: ReviewsTestbed, known_status: int | None
) -> None:
    order = testbed.order(known=False)
    if known_status is not None:
        testbed.reviews.deliver(orders_contract.ORDER_STATUS_CHANGED, **order.event(known_status, sequence=3))
    assert refusal(testbed, order)["available_actions"] == ["submit"]
    assert testbed.orders.asked == 1
    assert refusal(testbed, order, testbed.stranger) == {}


@pytest.mark.parametrize("error", UNANSWERED)
def test_while_orders_does_not_answer_the_known_order_decides(
    testbed: ReviewsTestbed, error: Exception
) -> None:
    order = testbed.order(status=3)
    testbed.orders.away = error
    for caller in (testbed.customer, testbed.provider, testbed.staff):
        assert refusal(testbed, order, caller) == {"available_actions": [], "review_by": None}
    assert refusal(testbed, order, testbed.stranger) == {}
    assert testbed.orders.asked == 3


@pytest.mark.parametrize("error", UNANSWERED)
def test_while_orders_does_not_answer_an_unknown_order_is_not_found(
    testbed: ReviewsTestbed, error: Exception
) -> None:
    order = testbed.order(known=False)
    testbed.orders.away = error
    assert refusal(testbed, order) == {}
    assert testbed.orders.asked == 1


def test_a_review_is_read_without_asking_orders(testbed: ReviewsTestbed) -> None:
    order = testbed.order()
    review = testbed.submit(order)
    testbed.orders.away = Unavailable("orders is unavailable")
    for caller in (testbed.customer, testbed.provider, testbed.staff):
        assert testbed.get(order, caller) == review
    assert refusal(testbed, order, testbed.stranger) == {}
    assert testbed.orders.asked == 0
