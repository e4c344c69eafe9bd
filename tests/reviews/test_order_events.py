from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from chassis.storage.outbox import row
from kit.contracts import events_of
from services.orders import contract as orders_contract
from services.reviews import contract
from tests.reviews.testbed import ReviewsTestbed
from tests.support.placed_orders import FakeOrders
from tests.support.service_harness import Harness

CHANGED = orders_contract.ORDER_STATUS_CHANGED


def test_an_event_delivered_twice_has_one_effect(testbed: ReviewsTestbed) -> None:
    order = testbed.order(known=False)
    event = testbed.reviews.deliver(CHANGED, **order.event())
    before = testbed.rows("review_slots")
    testbed.reviews.deliver(CHANGED, event)
    assert testbed.rows("review_slots") == before
    assert len(testbed.rows("inbox")) == 1
    assert testbed.reviews.failed_events() == []


def test_completion_counts_from_the_event_when_it_names_no_time(testbed: ReviewsTestbed) -> None:
    order = testbed.order(known=False)
    event = testbed.reviews.deliver(CHANGED, **{**order.event(), "completed_at": None})
    (slot,) = testbed.rows("review_slots")
    assert slot["completed_at"].isoformat().replace("+00:00", "Z") == event["occurred_at"]


def test_a_dispute_resolved_as_completed_unlocks_the_review(testbed: ReviewsTestbed) -> None:
    order = testbed.order(known=False)
    testbed.reviews.deliver(CHANGED, **{**order.event(), "transition": "resolve_dispute", "from_status": 2})
    assert testbed.submit(order)["rating"] == 5


STATUSES = st.sampled_from(
    [
        (1,),
        (1, 7),
        (1, 2),
        (1, 2, 7),
        (1, 2, 3, 2, 3),
        (1, 2, 3, 4),
        (1, 2, 2, 3, 2, 3, 3, 4),
        (1, 2, 3, 3, 7),
    ]
)


@settings(max_examples=40, deadline=None)
@given(STATUSES, st.randoms(use_true_random=False), st.booleans())
def test_events_in_any_order_and_repeated_end_where_the_order_is(
    reviews_service: Harness,
    fake_orders: FakeOrders,
    statuses: tuple[int, ...],
    random: Random,
    asked_between: bool,
) -> None:
    testbed = ReviewsTestbed(reviews_service, fake_orders)
    order = testbed.order(known=False, status=statuses[-1], sequence=len(statuses))
    events = [
        row(CHANGED, **order.event(status, sequence))["body"]
        for sequence, status in enumerate(statuses, start=1)
    ]
    deliveries = events * 2
    random.shuffle(deliveries)
    for number, event in enumerate(deliveries):
        if asked_between and number == 1 and statuses[-1] == 4:
            testbed.submit(order)
        testbed.reviews.deliver(CHANGED, event)
    (slot,) = testbed.rows(f"review_slots WHERE order_id = '{order.id}'")
    assert (slot["status"], slot["sequence"]) == (statuses[-1], len(statuses))
    assert slot["completed_at"] == (order.completed_at if statuses[-1] == 4 else None)


def test_every_event_names_who_must_never_miss_it() -> None:
    told = {event.type: (event.consumers, event.live) for event in events_of(contract)}
    assert told == {
        "review_submitted": (("messaging",), True),
        "review_changed": ({"messaging": ("replied",)}, True),
        "rating_changed": ({"catalog": ("service",), "accounts": ("provider",)}, False),
    }
