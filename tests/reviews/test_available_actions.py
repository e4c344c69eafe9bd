from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kit.errors import NotFound, RemoteFailure, TimedOut, Unavailable
from kit.security.tokens import Caller
from services.orders import contract as orders_contract
from tests.reviews.testbed import World
from tests.support.placed_orders import Order

DAY = timedelta(days=1)
UNANSWERED = (
    Unavailable("orders is unavailable."),
    TimedOut("orders did not answer in time."),
    RemoteFailure("KeyError: 'status'"),
)


def refusal(world: World, order: Order, caller: Caller | None = None) -> dict[str, Any]:
    """The members that the answer to a missing review carries."""
    with pytest.raises(NotFound) as raised:
        world.get(order, caller or world.customer)
    return raised.value.data


def test_a_new_review_can_be_edited_for_a_day_and_replied_to(world: World) -> None:
    order = world.order()
    review = world.submit(order)
    submitted_at = datetime.fromisoformat(review["created_at"])
    assert datetime.fromisoformat(review["edit_by"]) == submitted_at + DAY
    for caller in (world.customer, world.provider, world.staff):
        assert world.get(order, caller)["available_actions"] == ["edit", "reply"]


def test_a_reply_and_the_deadline_end_what_can_be_done(world: World) -> None:
    order = world.order()
    review = world.submit(order)
    assert world.reply(review)["available_actions"] == ["edit"]
    world.reviews.execute("UPDATE reviews SET created_at = created_at - interval '25 hours'")
    assert world.get(order, world.customer)["available_actions"] == []
    assert world.page(world.provider)["data"][0]["available_actions"] == []


def test_without_a_review_the_parties_and_staff_learn_that_one_can_be_submitted(world: World) -> None:
    order = world.order()
    for caller in (world.customer, world.provider, world.staff):
        members = refusal(world, order, caller)
        assert members["available_actions"] == ["submit"]
        assert datetime.fromisoformat(members["review_by"]) == order.completed_at + 60 * DAY
    assert refusal(world, order, world.stranger) == {}
    assert world.orders.asked == 0


def test_after_the_deadline_no_review_can_be_submitted(world: World) -> None:
    order = world.order(completed_at=datetime.now(UTC) - 61 * DAY)
    assert refusal(world, order)["available_actions"] == []


@pytest.mark.parametrize("status", [1, 2, 7])
def test_an_order_that_is_not_completed_has_no_deadline(world: World, status: int) -> None:
    order = world.order(status=status)
    assert refusal(world, order) == {"available_actions": [], "review_by": None}
    assert world.orders.asked == 0


@pytest.mark.parametrize("known_status", [None, 3])
def test_while_the_completion_may_be_on_its_way_orders_is_asked(
    world: World, known_status: int | None
) -> None:
    order = world.order(known=False)
    if known_status is not None:
        world.reviews.deliver(orders_contract.ORDER_STATUS_CHANGED, **order.event(known_status, sequence=3))
    assert refusal(world, order)["available_actions"] == ["submit"]
    assert world.orders.asked == 1
    assert refusal(world, order, world.stranger) == {}


@pytest.mark.parametrize("error", UNANSWERED)
def test_while_orders_does_not_answer_the_known_order_decides(world: World, error: Exception) -> None:
    order = world.order(status=3)
    world.orders.away = error
    for caller in (world.customer, world.provider, world.staff):
        assert refusal(world, order, caller) == {"available_actions": [], "review_by": None}
    assert refusal(world, order, world.stranger) == {}
    assert world.orders.asked == 3


@pytest.mark.parametrize("error", UNANSWERED)
def test_while_orders_does_not_answer_an_unknown_order_is_not_found(world: World, error: Exception) -> None:
    order = world.order(known=False)
    world.orders.away = error
    assert refusal(world, order) == {}
    assert world.orders.asked == 1


def test_a_review_is_read_without_asking_orders(world: World) -> None:
    order = world.order()
    review = world.submit(order)
    world.orders.away = Unavailable("orders is unavailable")
    for caller in (world.customer, world.provider, world.staff):
        assert world.get(order, caller) == review
    assert refusal(world, order, world.stranger) == {}
    assert world.orders.asked == 0
