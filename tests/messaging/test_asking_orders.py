import pytest

from kit.errors import Forbidden, NotFound, TimedOut, Unavailable
from services.messaging import contract
from services.orders import contract as orders_contract
from tests.messaging.actions import mark_read, messages, move, post, threads, types_told
from tests.messaging.conftest import FakeOrders
from tests.messaging.sample_events import Deal, new_id, party
from tests.support.service_harness import Harness


def test_a_party_writes_before_any_event_has_arrived(messaging: Harness, orders: FakeOrders) -> None:
    deal = Deal()
    orders.answers[deal.order_id] = deal.order()

    posted = post(messaging, deal.customer, deal)

    assert orders.asked == [deal.order_id]
    assert messages(messaging, deal.provider, deal) == [posted]
    assert threads(messaging, deal.provider)[0]["order"]["number"] == deal.number
    assert orders.asked == [deal.order_id]
    assert types_told(messaging, deal.provider) == ["message_posted"]


def test_reading_asks_too(messaging: Harness, orders: FakeOrders) -> None:
    deal = Deal()
    orders.answers[deal.order_id] = deal.order()
    assert messages(messaging, deal.provider, deal) == []
    assert orders.asked == [deal.order_id]


def test_an_order_that_orders_does_not_show_is_not_found(messaging: Harness, orders: FakeOrders) -> None:
    deal = Deal()
    with pytest.raises(NotFound):
        post(messaging, deal.stranger, deal)
    with pytest.raises(NotFound):
        mark_read(messaging, deal.stranger, deal, new_id())
    assert orders.asked == [deal.order_id] * 2
    assert messaging.execute("SELECT 1 FROM threads WHERE order_id = :id", id=deal.order_id) == []


def test_staff_learn_of_an_order_but_still_only_read(messaging: Harness, orders: FakeOrders) -> None:
    deal = Deal()
    orders.answers[deal.order_id] = deal.order()
    with pytest.raises(Forbidden):
        post(messaging, deal.staff, deal)
    assert messages(messaging, deal.staff, deal) == []


def test_a_known_thread_is_never_asked_about(messaging: Harness, orders: FakeOrders, deal: Deal) -> None:
    with pytest.raises(NotFound):
        post(messaging, deal.stranger, deal)
    with pytest.raises(NotFound):
        messages(messaging, deal.stranger, deal)
    assert orders.asked == []


@pytest.mark.parametrize("away", [Unavailable("orders is away"), TimedOut("too slow")])
def test_while_orders_is_away_the_caller_is_told_to_come_again(
    messaging: Harness, orders: FakeOrders, away: Exception
) -> None:
    deal = Deal()
    orders.answers[deal.order_id] = away
    with pytest.raises(type(away)):
        post(messaging, deal.customer, deal, key="later")
    orders.answers[deal.order_id] = deal.order()
    assert post(messaging, deal.customer, deal, key="later")["author"] == party(deal.customer)


def test_a_repeat_is_answered_without_asking(messaging: Harness, orders: FakeOrders) -> None:
    deal = Deal()
    orders.answers[deal.order_id] = deal.order()
    first = post(messaging, deal.customer, deal, key="k")
    assert post(messaging, deal.customer, deal, key="k") == first
    assert orders.asked == [deal.order_id]


def test_the_event_that_comes_later_still_notifies_and_moves_on(
    messaging: Harness, orders: FakeOrders
) -> None:
    deal = Deal()
    submitted, approved = deal.transition("submit"), deal.transition("approve")
    orders.answers[deal.order_id] = deal.order(status=2, version=2)
    posted = post(messaging, deal.customer, deal)

    messaging.deliver(orders_contract.ORDER_STATUS_CHANGED, **submitted)
    assert threads(messaging, deal.customer)[0]["order"]["status"] == 2, "older than what orders said"
    messaging.deliver(orders_contract.ORDER_STATUS_CHANGED, **approved)
    move(messaging, deal, "complete_work")

    (line,) = threads(messaging, deal.customer)
    assert line["order"]["status"] == 3
    assert line["last_message"] == posted
    assert types_told(messaging, deal.customer) == ["order_approved", "work_completed"]
    assert types_told(messaging, deal.provider) == ["message_posted", "order_submitted"]


def test_an_answer_that_comes_after_the_event_changes_nothing(messaging: Harness, orders: FakeOrders) -> None:
    deal = Deal()
    stale = deal.order()

    def overtaken(rpc: object, order_id: str) -> object:
        move(messaging, deal, "submit")
        move(messaging, deal, "approve")
        return stale

    before, messaging._remote["orders"] = messaging._remote["orders"], overtaken
    try:
        post(messaging, deal.customer, deal)
    finally:
        messaging._remote["orders"] = before
    assert threads(messaging, deal.customer)[0]["order"]["status"] == 2


def test_lists_of_one_s_own_never_ask(messaging: Harness, orders: FakeOrders) -> None:
    newcomer = Deal().customer
    assert threads(messaging, newcomer) == []
    assert messaging.call_as(newcomer, contract.COUNT_UNREAD) == {"count": 0}
    assert orders.asked == []
