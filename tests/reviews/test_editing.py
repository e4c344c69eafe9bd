import pytest

from kit.errors import Conflict, Forbidden, NotFound, Unauthenticated
from services.reviews import contract
from tests.reviews.testbed import World


def age(world: World, hours: float) -> None:
    world.reviews.execute(
        "UPDATE reviews SET created_at = created_at - :hours * interval '1 hour'", hours=hours
    )


def test_the_author_changes_stars_and_text(world: World) -> None:
    order = world.order()
    review = world.submit(order, rating=2, text="Slow")
    changed = world.edit(review, rating=4, text="Slow, but good")
    assert (changed["rating"], changed["text"], changed["version"]) == (4, "Slow, but good", 2)
    assert changed["created_at"] == review["created_at"] < changed["updated_at"]
    assert world.get(order, world.provider) == changed


def test_what_is_absent_stays_and_null_takes_the_text_away(world: World) -> None:
    review = world.submit(world.order(), rating=2, text="Slow")
    assert world.edit(review, rating=3)["text"] == "Slow"
    changed = world.edit(review, text=None)
    assert (changed["rating"], changed["text"]) == (3, None)


def test_what_already_is_so_changes_and_publishes_nothing(world: World) -> None:
    review = world.submit(world.order(), rating=2, text="Slow")
    before = len(world.reviews.events())
    assert world.edit(review) == review
    assert world.edit(review, rating=2, text="Slow") == review
    assert len(world.reviews.events()) == before


def test_only_the_author_may_edit(world: World) -> None:
    review = world.submit(world.order())
    for caller in (world.provider, world.staff):
        with pytest.raises(Forbidden) as refused:
            world.edit(review, caller=caller, rating=1)
        assert refused.value.code == "not_allowed"
    with pytest.raises(NotFound):
        world.edit(review, caller=world.stranger, rating=1)
    with pytest.raises(Unauthenticated):
        world.reviews.call_as(None, contract.CHANGE_REVIEW, key="k", review_id=review["id"], rating=1)


@pytest.mark.parametrize("review_id", ["", "42", "01890000-0000-7000-8000-00000000dead"])
def test_there_is_no_such_review(world: World, review_id: str) -> None:
    with pytest.raises(NotFound):
        world.edit({"id": review_id}, rating=1)
    with pytest.raises(NotFound):
        world.reply({"id": review_id})


def test_after_a_day_it_stays_as_it_is(world: World) -> None:
    review = world.submit(world.order())
    age(world, hours=23.99)
    world.edit(review, rating=4)
    age(world, hours=0.02)
    with pytest.raises(Conflict) as refused:
        world.edit(review, rating=3)
    assert refused.value.code == "review_edit_window_closed"


def test_an_edit_is_told_with_the_new_version(world: World) -> None:
    review = world.submit(world.order(), rating=2)
    world.edit(review, rating=5)
    (told,) = world.events("review_changed")
    assert (told["change"], told["rating"], told["review_version"]) == ("edited", 5, 2)


def test_a_repeated_edit_is_made_once(world: World) -> None:
    review = world.submit(world.order(), rating=2)
    first = world.edit(review, key="k1", rating=5)
    world.edit(review, rating=1)
    assert world.edit(review, key="k1", rating=5) == first
    assert world.rating("provider", world.provider.id) == (1, 1)


# --- replies ----------------------------------------------------------------------------------


def test_the_provider_replies_once(world: World) -> None:
    order = world.order()
    review = world.submit(order, rating=2)
    answered = world.reply(review, text="Sorry!")
    assert answered["reply"]["text"] == "Sorry!"
    assert answered["version"] == 2
    assert world.get(order, world.customer) == answered
    with pytest.raises(Conflict) as refused:
        world.reply(review, text="Really sorry!")
    assert refused.value.code == "reply_exists"
    assert world.get(order, world.customer) == answered


def test_a_reply_is_possible_long_after_the_edit_window(world: World) -> None:
    review = world.submit(world.order())
    age(world, hours=24 * 365)
    assert world.reply(review)["reply"] is not None


def test_only_the_provider_may_reply(world: World) -> None:
    review = world.submit(world.order())
    for caller in (world.customer, world.staff):
        with pytest.raises(Forbidden):
            world.reply(review, caller=caller)
    with pytest.raises(NotFound):
        world.reply(review, caller=world.stranger)
    with pytest.raises(Unauthenticated):
        world.reviews.call_as(None, contract.REPLY_TO_REVIEW, key="k", review_id=review["id"], text="x")


def test_a_reply_is_told_and_changes_no_rating(world: World) -> None:
    review = world.submit(world.order(), rating=2)
    before = len(world.events("rating_changed"))
    world.reply(review)
    (told,) = world.events("review_changed")
    assert (told["change"], told["review_version"]) == ("replied", 2)
    assert len(world.events("rating_changed")) == before


def test_a_repeated_reply_is_made_once(world: World) -> None:
    review = world.submit(world.order())
    assert world.reply(review, key="k1") == world.reply(review, key="k1")
    assert len(world.events("review_changed")) == 1


def test_an_edit_keeps_the_reply(world: World) -> None:
    review = world.submit(world.order())
    reply = world.reply(review)["reply"]
    assert world.edit(review, rating=1)["reply"] == reply
