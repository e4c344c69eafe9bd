import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.errors import Conflict
from tests.reviews.testbed import ReviewsTestbed
from tests.support.placed_orders import FakeOrders, new_id
from tests.support.service_harness import Harness


def test_a_submission_publishes_the_new_rating_of_provider_and_service(testbed: ReviewsTestbed) -> None:
    testbed.submit(testbed.order(), rating=4)
    testbed.submit(testbed.order(), rating=5)
    other = {"id": new_id(), "title": "A poem"}
    testbed.submit(testbed.order(service=other), rating=1)
    told = [
        (e["subject"], e["subject_id"], e["rating_version"], e["count"], e["stars_total"], e["average"])
        for e in testbed.events("rating_changed")
    ]
    provider, service = testbed.provider.id, testbed.service["id"]
    assert told == [
        ("provider", provider, 1, 1, 4, 4.0),
        ("service", service, 1, 1, 4, 4.0),
        ("provider", provider, 2, 2, 9, 4.5),
        ("service", service, 2, 2, 9, 4.5),
        ("provider", provider, 3, 3, 10, 3.33),
        ("service", other["id"], 1, 1, 1, 1.0),
    ]


def test_an_edit_of_the_stars_moves_both_ratings_and_one_of_the_text_none(testbed: ReviewsTestbed) -> None:
    review = testbed.submit(testbed.order(), rating=5)
    testbed.edit(review, text="Hm")
    assert len(testbed.events("rating_changed")) == 2
    testbed.edit(review, rating=1)
    assert len(testbed.events("rating_changed")) == 4
    assert testbed.rating("provider", testbed.provider.id) == (1, 1)
    assert testbed.rating("service", testbed.service["id"]) == (1, 1)


def test_editing_a_hidden_review_moves_no_rating(testbed: ReviewsTestbed) -> None:
    review = testbed.submit(testbed.order(), rating=5)
    testbed.reviews.execute("UPDATE reviews SET hidden_at = now(), hidden_reason = 'Rude'")
    testbed.reviews.execute("UPDATE ratings SET stars_total = 0, count = 0")
    testbed.edit(review, rating=1)
    assert testbed.rating("provider", testbed.provider.id) == (0, 0)
    assert len(testbed.events("rating_changed")) == 2
    assert len(testbed.events("review_changed")) == 1


def test_a_refused_review_moves_nothing_and_tells_nothing(testbed: ReviewsTestbed) -> None:
    order = testbed.order()
    testbed.submit(order)
    before = testbed.rows("ratings"), testbed.reviews.events()
    with pytest.raises(Conflict):
        testbed.submit(order, rating=1)
    assert (testbed.rows("ratings"), testbed.reviews.events()) == before


HISTORIES = st.lists(
    st.tuples(st.integers(0, 2), st.lists(st.integers(1, 5), min_size=1, max_size=4)), min_size=1, max_size=6
)


@settings(max_examples=15, deadline=None)
@given(HISTORIES)
def test_ratings_always_equal_the_reviews_they_stand_for(
    reviews_service: Harness, fake_orders: FakeOrders, histories: list[tuple[int, list[int]]]
) -> None:
    testbed = ReviewsTestbed(reviews_service, fake_orders)
    services = [{"id": new_id(), "title": f"Service {number}"} for number in range(3)]
    for chosen, stars in histories:
        review = testbed.submit(testbed.order(service=services[chosen]), rating=stars[0])
        for rating in stars[1:]:
            testbed.edit(review, rating=rating)
    final = [stars[-1] for _, stars in histories]
    assert testbed.rating("provider", testbed.provider.id) == (sum(final), len(final))
    for number, service in enumerate(services):
        own = [stars[-1] for index, stars in histories if index == number]
        assert testbed.rating("service", service["id"]) == ((sum(own), len(own)) if own else None)
    told = [e for e in testbed.events("rating_changed") if e["subject_id"] == testbed.provider.id]
    assert [e["rating_version"] for e in told] == list(range(1, len(told) + 1))
    assert (told[-1]["stars_total"], told[-1]["count"]) == (sum(final), len(final))
