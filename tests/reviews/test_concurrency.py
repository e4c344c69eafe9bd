from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import Any

from kit.errors import ServiceError
from tests.reviews.testbed import ReviewsTestbed
from tests.support.placed_orders import new_id

CLIENTS = 16


def at_once(works: list[Callable[[], Any]]) -> list[Any]:
    """What each work gives, an error's code for a refusal; all start together."""
    barrier = Barrier(len(works))

    def run(work: Callable[[], Any]) -> Any:
        barrier.wait(timeout=10)
        try:
            return work()
        except ServiceError as refused:
            return refused.code

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def test_sixteen_clients_submit_one_review(testbed: ReviewsTestbed) -> None:
    order = testbed.order()
    outcomes = at_once([partial(testbed.submit, order, rating=n % 5 + 1) for n in range(CLIENTS)])
    refused = [outcome for outcome in outcomes if isinstance(outcome, str)]
    (review,) = (outcome for outcome in outcomes if not isinstance(outcome, str))
    assert refused == ["review_exists"] * (CLIENTS - 1)
    assert len(testbed.rows("reviews")) == len(testbed.events("review_submitted")) == 1
    assert testbed.rating("provider", testbed.provider.id) == (review["rating"], 1)


def test_sixteen_clients_submit_one_review_of_an_order_not_heard_of(testbed: ReviewsTestbed) -> None:
    order = testbed.order(known=False)
    outcomes = at_once([partial(testbed.submit, order) for _ in range(CLIENTS)])
    assert outcomes.count("review_exists") == CLIENTS - 1
    assert len(testbed.rows("reviews")) == 1
    assert testbed.rating("service", testbed.service["id"]) == (5, 1)


def test_sixteen_repeats_with_one_key_get_one_answer(testbed: ReviewsTestbed) -> None:
    for known in (True, False):
        order = testbed.order(known=known)
        outcomes = at_once([partial(testbed.submit, order, key=order.id) for _ in range(CLIENTS)])
        assert all(outcome == outcomes[0] for outcome in outcomes)
        assert outcomes[0]["order_id"] == order.id
    assert len(testbed.rows("reviews")) == 2


def test_one_reply_wins(testbed: ReviewsTestbed) -> None:
    review = testbed.submit(testbed.order())
    outcomes = at_once([partial(testbed.reply, review, text=f"Reply {n}") for n in range(8)])
    assert outcomes.count("reply_exists") == 7
    (told,) = testbed.events("review_changed")
    assert told["review_version"] == 2


def test_many_reviews_of_one_provider_at_once_add_up_exactly(testbed: ReviewsTestbed) -> None:
    services = [{"id": new_id(), "title": f"Service {number}"} for number in range(3)]
    orders = [testbed.order(service=services[number % 3]) for number in range(3 * CLIENTS)]
    submitted: list[Any] = []
    for start in range(0, len(orders), CLIENTS):
        part = orders[start : start + CLIENTS]
        submitted += at_once(
            [partial(testbed.submit, o, rating=n % 5 + 1) for n, o in enumerate(part, start=start)]
        )
    expected = [number % 5 + 1 for number in range(len(orders))]
    assert [review["rating"] for review in submitted] == expected
    assert testbed.rating("provider", testbed.provider.id) == (sum(expected), len(expected))
    for number, service in enumerate(services):
        own = expected[number::3]
        assert testbed.rating("service", service["id"]) == (sum(own), len(own))
    versions = [e["rating_version"] for e in testbed.events("rating_changed") if e["subject"] == "provider"]
    assert sorted(versions) == list(range(1, len(orders) + 1))


def test_edits_and_submissions_at_once_add_up_exactly(testbed: ReviewsTestbed) -> None:
    reviews = [testbed.submit(testbed.order(), rating=3) for _ in range(8)]
    fresh = [testbed.order() for _ in range(8)]
    works: list[Callable[[], Any]] = [
        partial(testbed.edit, r, rating=n % 2 * 4 + 1) for n, r in enumerate(reviews)
    ]
    works += [partial(testbed.submit, o, rating=2) for o in fresh]
    outcomes = at_once(works)
    assert not [outcome for outcome in outcomes if isinstance(outcome, str)]
    (truth,) = testbed.select("SELECT sum(rating)::int AS stars, count(*)::int AS count FROM reviews")
    assert truth == {"stars": 4 * 1 + 4 * 5 + 8 * 2, "count": 16}
    assert testbed.rating("provider", testbed.provider.id) == (truth["stars"], truth["count"])


def test_edits_of_one_review_at_once_leave_the_rating_of_the_last(testbed: ReviewsTestbed) -> None:
    order = testbed.order()
    review = testbed.submit(order, rating=3)
    at_once([partial(testbed.edit, review, rating=n % 5 + 1) for n in range(CLIENTS)])
    now = testbed.get(order, testbed.customer)
    assert testbed.rating("provider", testbed.provider.id) == (now["rating"], 1)
    assert now["version"] == 1 + len(testbed.events("review_changed"))
