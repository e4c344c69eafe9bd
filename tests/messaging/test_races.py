import pytest

from kit.errors import Forbidden
from kit.security.tokens import Caller
from services.messaging import contract
from services.messaging.access import refused_reading, refused_writing
from services.messaging.contract import LIST_MESSAGES
from services.orders.contract import ORDER_STATUS_CHANGED
from services.unknown_orders import OrderUnknown
from tests.messaging.actions import every_page, mark_read, messages, move, notifications, post, threads
from tests.messaging.conftest import FakeOrders
from tests.messaging.sample_events import Deal
from tests.messaging.test_deliveries import together
from tests.support.service_harness import Harness


def test_sixteen_messages_at_once_are_all_there_in_one_order(messaging: Harness, deal: Deal) -> None:
    authors = [deal.customer, deal.provider] * 8

    def write(number: int) -> None:
        post(messaging, authors[number], deal, f"message {number}")

    raised = together(*[lambda n=n: write(n) for n in range(16)])

    assert raised == []
    pages = every_page(messaging, deal.customer, LIST_MESSAGES, 5, order_id=deal.order_id)
    written = [message for page in pages for message in page]
    assert {message["body"] for message in written} == {f"message {number}" for number in range(16)}
    times = [message["created_at"] for message in written]
    assert times == sorted(times, reverse=True)
    assert threads(messaging, deal.customer)[0]["unread_count"] == 8
    assert threads(messaging, deal.provider)[0]["unread_count"] == 8
    assert threads(messaging, deal.provider)[0]["last_message"] == written[0]
    posted = [n for n in notifications(messaging, deal.customer) if n["type"] == "message_posted"]
    assert len(posted) == 8


def test_one_key_from_many_clients_posts_once(messaging: Harness, deal: Deal) -> None:
    answers: list[str] = []

    def write() -> None:
        answers.append(post(messaging, deal.customer, deal, "Only once", key="the same")["id"])

    assert together(*[write] * 8) == []
    assert len(set(answers)) == 1
    assert [m["id"] for m in messages(messaging, deal.provider, deal)] == answers[:1]


def test_reading_while_the_other_writes_keeps_the_count_exact(messaging: Harness, deal: Deal) -> None:
    first = post(messaging, deal.customer, deal)

    def write() -> None:
        post(messaging, deal.customer, deal)

    def read() -> None:
        newest = messages(messaging, deal.provider, deal)[0]
        mark_read(messaging, deal.provider, deal, newest["id"])
        mark_read(messaging, deal.provider, deal, first["id"])

    assert together(*[write, read] * 6) == []
    unread = [m for m in messages(messaging, deal.provider, deal) if m["read_at"] is None]
    assert threads(messaging, deal.provider)[0]["unread_count"] == len(unread)
    mark_read(messaging, deal.provider, deal, messages(messaging, deal.provider, deal)[0]["id"])
    assert threads(messaging, deal.provider)[0]["unread_count"] == 0


def test_the_first_message_races_the_event_of_its_order(messaging: Harness, orders: FakeOrders) -> None:
    for _ in range(5):
        deal = Deal()
        submitted = deal.transition("submit")
        orders.answers[deal.order_id] = deal.order()
        fake, messaging._remote["orders"] = messaging._remote["orders"], lambda *_, **__: deal.order()  # noqa: B023
        raised = together(
            lambda: post(messaging, deal.customer, deal),  # noqa: B023
            lambda: post(messaging, deal.provider, deal),  # noqa: B023
            lambda: messaging.deliver(ORDER_STATUS_CHANGED, **submitted),  # noqa: B023
        )
        messaging._remote["orders"] = fake
        assert raised == []
        assert len(messages(messaging, deal.customer, deal)) == 2
        types = sorted(n["type"] for n in notifications(messaging, deal.provider))
        assert types == ["message_posted", "order_submitted"]


def test_marking_all_read_from_two_devices_while_more_arrives(messaging: Harness, deal: Deal) -> None:
    for _ in range(3):
        post(messaging, deal.customer, deal)

    def mark() -> None:
        messaging.call_as(deal.provider, contract.MARK_ALL_READ)

    raised = together(mark, mark, lambda: move(messaging, deal, "withdraw"), mark)

    assert raised == []
    told = notifications(messaging, deal.provider)
    assert [n["type"] for n in told if n["read_at"] is None] in ([], ["order_withdrawn"])
    assert len(told) == 5


@pytest.mark.parametrize("reader", ["customer", "provider", "staff"])
def test_a_thread_that_comes_between_two_looks_is_no_refusal(
    messaging: Harness, deal: Deal, reader: str
) -> None:
    caller: Caller = getattr(deal, reader)
    reading = messaging.db.read(lambda c: refused_reading(c, caller, deal.order_id))
    writing = messaging.db.read(lambda c: refused_writing(c, caller, deal.order_id))
    assert isinstance(reading, OrderUnknown)
    assert isinstance(writing, Forbidden if reader == "staff" else OrderUnknown)
