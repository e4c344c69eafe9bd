import pytest

from kit.errors import Conflict, Forbidden, NotFound, Unauthenticated
from services.reviews import contract
from tests.reviews.testbed import ReviewsTestbed


def age(testbed: ReviewsTestbed, hours: float) -> None:
    testbed.reviews.execute(
        "UPDATE reviews SET created_at = created_at - :hours * interval '1 hour'", hours=hours
    )


def test_the_author_changes_stars_and_text(testbed: ReviewsTestbed) -> None:
    order = testbed.order()
    review = testbed.submit(order, rating=2, text="Slow")
    changed = testbed.edit(review, rating=4, text="Slow, but good")
    assert (changed["rating"], changed["text"], changed["version"]) == (4, "Slow, but good", 2)
    assert changed["created_at"] == review["created_at"] < changed["updated_at"]
    assert testbed.get(order, testbed.provider) == changed


def test_what_is_absent_stays_and_null_takes_the_text_away(testbed: ReviewsTestbed) -> None:
    review = testbed.submit(testbed.order(), rating=2, text="Slow")
    assert testbed.edit(review, rating=3)["text"] == "Slow"
    changed = testbed.edit(review, text=None)
    assert (changed["rating"], changed["text"]) == (3, None)


def test_what_already_is_so_changes_and_publishes_nothing(testbed: ReviewsTestbed) -> None:
    review = testbed.submit(testbed.order(), rating=2, text="Slow")
    before = len(testbed.reviews.events())
    assert testbed.edit(review) == review
    assert testbed.edit(review, rating=2, text="Slow") == review
    assert len(testbed.reviews.events()) == before


def test_only_the_author_may_edit(testbed: ReviewsTestbed) -> None:
    review = testbed.submit(testbed.order())
    for caller in (testbed.provider, testbed.staff):
        with pytest.raises(Forbidden) as refused:
            testbed.edit(review, caller=caller, rating=1)
        assert refused.value.code == "not_allowed"
    with pytest.raises(NotFound):
        testbed.edit(review, caller=testbed.stranger, rating=1)
    with pytest.raises(Unauthenticated):
        testbed.reviews.call_as(None, contract.CHANGE_REVIEW, key="k", review_id=review["id"], rating=1)


@pytest.mark.parametrize("review_id", ["", "42", "01890000-0000-7000-8000-00000000dead"])
def test_there_is_no_such_review(testbed: ReviewsTestbed, review_id: str) -> None:
    with pytest.raises(NotFound):
        testbed.edit({"id": review_id}, rating=1)
    with pytest.raises(NotFound):
        testbed.reply({"id": review_id})


def test_after_a_day_it_stays_as_it_is(testbed: ReviewsTestbed) -> None:
    review = testbed.submit(testbed.order())
    age(testbed, hours=23.99)
    testbed.edit(review, rating=4)
    age(testbed, hours=0.02)
    with pytest.raises(Conflict) as refused:
        testbed.edit(review, rating=3)
    assert refused.value.code == "review_edit_window_closed"


def test_an_edit_is_told_with_the_new_version(testbed: ReviewsTestbed) -> None:
    review = testbed.submit(testbed.order(), rating=2)
    testbed.edit(review, rating=5)
    (told,) = testbed.events("review_changed")
    assert (told["change"], told["rating"], told["review_version"]) == ("edited", 5, 2)


def test_a_repeated_edit_is_made_once(testbed: ReviewsTestbed) -> None:
    review = testbed.submit(testbed.order(), rating=2)
    first = testbed.edit(review, key="k1", rating=5)
    testbed.edit(review, rating=1)
    assert testbed.edit(review, key="k1", rating=5) == first
    assert testbed.rating("provider", testbed.provider.id) == (1, 1)


# --- replies ----------------------------------------------------------------------------------


def test_the_provider_replies_once(testbed: ReviewsTestbed) -> None:
    order = testbed.order()
    review = testbed.submit(order, rating=2)
    answered = testbed.reply(review, text="Sorry!")
    assert answered["reply"]["text"] == "Sorry!"
    assert answered["version"] == 2
    assert testbed.get(order, testbed.customer) == answered
    with pytest.raises(Conflict) as refused:
        testbed.reply(review, text="Really sorry!")
    assert refused.value.code == "reply_exists"
    assert testbed.get(order, testbed.customer) == answered


def test_a_reply_is_possible_long_after_the_edit_window(testbed: ReviewsTestbed) -> None:
    review = testbed.submit(testbed.order())
    age(testbed, hours=24 * 365)
    assert testbed.reply(review)["reply"] is not None


def test_only_the_provider_may_reply(testbed: ReviewsTestbed) -> None:
    review = testbed.submit(testbed.order())
    for caller in (testbed.customer, testbed.staff):
        with pytest.raises(Forbidden):
            testbed.reply(review, caller=caller)
    with pytest.raises(NotFound):
        testbed.reply(review, caller=testbed.stranger)
    with pytest.raises(Unauthenticated):
        testbed.reviews.call_as(None, contract.REPLY_TO_REVIEW, key="k", review_id=review["id"], text="x")


def test_a_reply_is_told_and_changes_no_rating(testbed: ReviewsTestbed) -> None:
    review = testbed.submit(testbed.order(), rating=2)
    before = len(testbed.events("rating_changed"))
    testbed.reply(review)
    (told,) = testbed.events("review_changed")
    assert (told["change"], told["review_version"]) == ("replied", 2)
    assert len(testbed.events("rating_changed")) == before


def test_a_repeated_reply_is_made_once(testbed: ReviewsTestbed) -> None:
    review = testbed.submit(testbed.order())
    assert testbed.reply(review, key="k1") == testbed.reply(review, key="k1")
    assert len(testbed.events("review_changed")) == 1


def test_an_edit_keeps_the_reply(testbed: ReviewsTestbed) -> None:
    review = testbed.submit(testbed.order())
    reply = testbed.reply(review)["reply"]
    assert testbed.edit(review, rating=1)["reply"] == reply
