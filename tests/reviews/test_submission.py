from datetime import UTC, datetime, timedelta

import pytest

from kit.errors import Conflict, Forbidden, Invalid, NotFound, TimedOut, Unauthenticated, Unavailable
from services.orders import contract as orders_contract
from services.reviews import contract
from tests.reviews.testbed import ReviewsTestbed
from tests.support.placed_orders import new_id, party


def test_a_customer_reviews_a_completed_order(testbed: ReviewsTestbed) -> None:
    order = testbed.order()
    review = testbed.submit(order, rating=4, text="Good & <b>fast</b>")
    assert review["order_id"] == order.id
    assert review["rating"] == 4
    assert review["text"] == "Good & <b>fast</b>"
    assert review["author"] == party(testbed.customer)
    assert review["provider"] == party(testbed.provider)
    assert (review["service_id"], review["service_title"]) == (testbed.service["id"], "A logo")
    assert (review["reply"], review["hidden"], review["version"]) == (None, False, 1)
    assert review["created_at"] == review["updated_at"]
    assert testbed.get(order, testbed.customer) == review


def test_a_review_without_text_says_null_and_an_empty_text_stays_as_typed(testbed: ReviewsTestbed) -> None:
    assert testbed.submit(testbed.order())["text"] is None
    assert testbed.submit(testbed.order(), text="")["text"] == ""


def test_orders_is_not_asked_when_the_completion_is_known(testbed: ReviewsTestbed) -> None:
    testbed.submit(testbed.order())
    assert testbed.orders.asked == 0


def test_only_the_customer_may_review(testbed: ReviewsTestbed) -> None:
    order = testbed.order()
    for caller in (testbed.provider, testbed.staff):
        with pytest.raises(Forbidden) as refused:
            testbed.submit(order, caller=caller)
        assert refused.value.code == "not_allowed"
    with pytest.raises(NotFound):
        testbed.submit(order, caller=testbed.stranger)
    with pytest.raises(Unauthenticated):
        testbed.reviews.call_as(None, contract.SUBMIT_REVIEW, key="k", order_id=order.id, rating=5)
    assert testbed.rows("reviews") == []


def test_a_member_of_staff_may_review_an_order_of_their_own(testbed: ReviewsTestbed) -> None:
    assert testbed.submit(testbed.order(customer=testbed.staff))["author"] == party(testbed.staff)


@pytest.mark.parametrize("order_id", ["", "42", "no-such-id", "00000000-0000-0000-0000-00000000000g"])
def test_a_malformed_id_is_no_order(testbed: ReviewsTestbed, order_id: str) -> None:
    with pytest.raises(NotFound):
        testbed.reviews.call_as(
            testbed.customer, contract.SUBMIT_REVIEW, key="k", order_id=order_id, rating=5
        )
    with pytest.raises(NotFound):
        testbed.reviews.call_as(testbed.customer, contract.GET_REVIEW, order_id=order_id)


@pytest.mark.parametrize("status", [1, 2, 3, 7])
def test_an_order_that_is_not_completed_is_refused(testbed: ReviewsTestbed, status: int) -> None:
    order = testbed.order(status=status)
    with pytest.raises(Conflict) as refused:
        testbed.submit(order)
    assert refused.value.code == "order_not_completed"
    assert refused.value.data["current_status"] == status


def test_a_cancelled_order_is_refused_without_asking(testbed: ReviewsTestbed) -> None:
    order = testbed.order(status=7)
    with pytest.raises(Conflict):
        testbed.submit(order)
    assert testbed.orders.asked == 0


def test_an_order_has_one_review(testbed: ReviewsTestbed) -> None:
    order = testbed.order()
    testbed.submit(order)
    with pytest.raises(Conflict) as refused:
        testbed.submit(order)
    assert refused.value.code == "review_exists"
    assert len(testbed.rows("reviews")) == 1


def test_after_sixty_days_it_is_too_late(testbed: ReviewsTestbed) -> None:
    in_time = datetime.now(UTC) - timedelta(days=60) + timedelta(minutes=1)
    testbed.submit(testbed.order(completed_at=in_time))
    with pytest.raises(Conflict) as refused:
        testbed.submit(testbed.order(completed_at=in_time - timedelta(minutes=2)))
    assert refused.value.code == "review_window_closed"


def test_bad_values_are_refused_before_anything_happens(testbed: ReviewsTestbed) -> None:
    order = testbed.order()
    for bad in ({"rating": True}, {"rating": 6}, {"rating": "5"}, {"rating": 4.0}, {"text": "x" * 2001}):
        with pytest.raises(Invalid):
            testbed.submit(order, **bad)
    assert testbed.rows("reviews") == []


def test_a_repeat_with_its_key_gets_the_same_answer_whatever_happened_since(testbed: ReviewsTestbed) -> None:
    order = testbed.order()
    review = testbed.submit(order, key="k1")
    testbed.edit(review, rating=1)
    assert testbed.submit(order, key="k1") == review
    assert len(testbed.rows("reviews")) == 1
    assert len(testbed.events("review_submitted")) == 1


def test_a_submission_tells_everything_its_consumers_need(testbed: ReviewsTestbed) -> None:
    order = testbed.order()
    review = testbed.submit(order, rating=4)
    (told,) = testbed.events("review_submitted")
    assert told["review_id"] == review["id"]
    assert told["order_id"] == order.id
    assert told["rating"] == 4
    assert (told["customer"], told["provider"]) == (party(testbed.customer), party(testbed.provider))
    assert told["service"] == testbed.service
    assert told["review_version"] == 1


# --- when the event is still on its way -------------------------------------------------------


def test_an_order_not_heard_of_is_asked_for(testbed: ReviewsTestbed) -> None:
    order = testbed.order(known=False)
    review = testbed.submit(order, rating=3)
    assert testbed.orders.asked == 1
    assert (review["rating"], review["service_title"]) == (3, "A logo")
    (slot,) = testbed.rows("review_slots")
    assert (slot["status"], slot["completed_at"]) == (4, order.completed_at)


@pytest.mark.parametrize("known_status", [1, 2, 3])
def test_an_order_known_in_an_earlier_status_is_asked_for(testbed: ReviewsTestbed, known_status: int) -> None:
    order = testbed.order(known=False)
    testbed.reviews.deliver(orders_contract.ORDER_STATUS_CHANGED, **order.event(known_status, sequence=2))
    testbed.submit(order)
    assert testbed.orders.asked == 1


def test_what_orders_says_decides_and_a_refusal_keeps_nothing(testbed: ReviewsTestbed) -> None:
    unfinished = testbed.order(known=False, status=3)
    with pytest.raises(Conflict) as refused:
        testbed.submit(unfinished)
    assert refused.value.code == "order_not_completed"
    assert refused.value.data["current_status"] == 3
    old = testbed.order(known=False, completed_at=datetime.now(UTC) - timedelta(days=61))
    with pytest.raises(Conflict) as refused:
        testbed.submit(old)
    assert refused.value.code == "review_window_closed"
    for caller in (testbed.provider, testbed.staff):
        with pytest.raises(Forbidden):
            testbed.submit(testbed.order(known=False), caller=caller)
    with pytest.raises(NotFound):
        testbed.reviews.call_as(
            testbed.stranger, contract.SUBMIT_REVIEW, key="k", order_id=new_id(), rating=5
        )
    assert testbed.rows("review_slots") == testbed.rows("reviews") == testbed.rows("idempotency") == []


def test_a_party_of_a_known_order_is_refused_without_asking(testbed: ReviewsTestbed) -> None:
    order = testbed.order(status=2)
    for caller in (testbed.provider, testbed.staff):
        with pytest.raises(Forbidden):
            testbed.submit(order, caller=caller)
    with pytest.raises(NotFound):
        testbed.submit(order, caller=testbed.stranger)
    assert testbed.orders.asked == 0


@pytest.mark.parametrize("failure", [Unavailable("orders is away"), TimedOut("orders did not answer")])
def test_with_orders_away_nothing_is_stored_and_the_same_key_works_later(
    testbed: ReviewsTestbed, failure: Unavailable | TimedOut
) -> None:
    order = testbed.order(known=False)
    testbed.orders.away = failure
    with pytest.raises(type(failure)):
        testbed.submit(order, key="k1")
    assert testbed.rows("review_slots") == testbed.rows("reviews") == testbed.rows("idempotency") == []
    testbed.orders.away = None
    assert testbed.submit(order, key="k1")["rating"] == 5


def test_a_repeat_gets_its_answer_even_when_orders_is_away(testbed: ReviewsTestbed) -> None:
    order = testbed.order(known=False)
    review = testbed.submit(order, key="k1")
    testbed.reviews.execute("DELETE FROM reviews")
    testbed.reviews.execute("DELETE FROM review_slots")
    testbed.orders.away = Unavailable("orders is away")
    assert testbed.submit(order, key="k1") == review


def test_the_late_events_break_nothing_of_what_the_answer_stored(testbed: ReviewsTestbed) -> None:
    order = testbed.order(known=False)
    review = testbed.submit(order)
    for status, sequence in ((3, 3), (1, 1), (2, 2), (4, 4)):
        testbed.reviews.deliver(orders_contract.ORDER_STATUS_CHANGED, **order.event(status, sequence))
        (slot,) = testbed.rows("review_slots")
        assert (slot["status"], slot["completed_at"]) == (4, order.completed_at)
    assert slot["sequence"] == 4
    assert testbed.get(order, testbed.customer) == review
