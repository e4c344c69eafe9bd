import pytest

from kit.errors import BadQuery, NotFound
from services.messaging import contract
from tests.messaging.actions import every_page, fits, move, notifications, post
from tests.messaging.sample_events import Deal, new_id, person
from tests.support.service_harness import Harness


def count(messaging: Harness, deal: Deal) -> int:
    answer = messaging.call_as(deal.provider, contract.COUNT_UNREAD)
    return int(fits(contract.UnreadCount, answer)["count"])


@pytest.fixture
def told(messaging: Harness, deal: Deal) -> Deal:
    """The provider has five notifications: a submission and four messages."""
    for number in range(4):
        post(messaging, deal.customer, deal, str(number))
    return deal


def mark(messaging: Harness, deal: Deal, notification_id: str, read: bool) -> dict[str, object]:
    answer = messaging.call_as(
        deal.provider, contract.MARK_NOTIFICATION, notification_id=notification_id, read=read
    )
    marked: dict[str, object] = fits(contract.Notification, answer)
    return marked


def test_they_come_newest_first_in_pages(messaging: Harness, told: Deal) -> None:
    pages = every_page(messaging, told.provider, contract.LIST_NOTIFICATIONS, 2)
    excerpts = [[n["data"].get("excerpt") for n in page] for page in pages]
    assert excerpts == [["3", "2"], ["1", "0"], [None]]


def test_the_filter_shows_the_unread_or_the_read(messaging: Harness, told: Deal) -> None:
    newest, *others = notifications(messaging, told.provider)
    marked = mark(messaging, told, newest["id"], True)

    assert notifications(messaging, told.provider, unread=True) == others
    assert notifications(messaging, told.provider, unread=False) == [marked]
    assert notifications(messaging, told.provider) == [marked, *others]
    pages = every_page(messaging, told.provider, contract.LIST_NOTIFICATIONS, 3, unread=True)
    assert [n for page in pages for n in page] == others


def test_a_cursor_belongs_to_its_filter_and_its_person(messaging: Harness, told: Deal) -> None:
    page = messaging.call_as(told.provider, contract.LIST_NOTIFICATIONS, limit=1)
    with pytest.raises(BadQuery):
        notifications(messaging, told.provider, unread=True, cursor=page["next_cursor"])
    with pytest.raises(BadQuery):
        notifications(messaging, told.customer, cursor=page["next_cursor"])


def test_one_is_marked_read_and_unread_again(messaging: Harness, told: Deal) -> None:
    newest = notifications(messaging, told.provider)[0]
    read = mark(messaging, told, newest["id"], True)
    assert read["read_at"] is not None
    assert mark(messaging, told, newest["id"], True) == read, "the first time counts"
    assert count(messaging, told) == 4

    assert mark(messaging, told, newest["id"], False) == newest
    assert count(messaging, told) == 5


def test_all_are_marked_read_at_once_and_later_ones_are_not(messaging: Harness, told: Deal) -> None:
    assert count(messaging, told) == 5
    assert messaging.call_as(told.provider, contract.MARK_ALL_READ) is None
    assert count(messaging, told) == 0
    move(messaging, told, "withdraw")
    assert count(messaging, told) == 1
    assert len(notifications(messaging, told.provider)) == 6


def test_all_about_one_order_are_marked_read_and_no_others(messaging: Harness, told: Deal) -> None:
    other = Deal(provider=told.provider)
    move(messaging, other, "submit")
    assert count(messaging, told) == 6
    messaging.call_as(told.provider, contract.MARK_ALL_READ, order_id=told.order_id)
    left = notifications(messaging, told.provider, unread=True)
    assert [one["order_id"] for one in left] == [other.order_id]
    messaging.call_as(told.provider, contract.MARK_ALL_READ, order_id=new_id())
    messaging.call_as(told.customer, contract.MARK_ALL_READ, order_id=other.order_id)
    assert count(messaging, told) == 1


def test_marking_all_leaves_other_people_alone(messaging: Harness, told: Deal) -> None:
    messaging.call_as(told.customer, contract.MARK_ALL_READ)
    assert count(messaging, told) == 5


def test_another_person_s_notification_is_not_found(messaging: Harness, told: Deal) -> None:
    theirs = notifications(messaging, told.provider)[0]
    for intruder in (told.customer, told.stranger, told.staff):
        with pytest.raises(NotFound):
            messaging.call_as(intruder, contract.MARK_NOTIFICATION, notification_id=theirs["id"], read=True)
    assert notifications(messaging, told.provider)[0] == theirs


@pytest.mark.parametrize("unknown", ["01890000-0000-7000-8000-00000000dead", "1", "", "'; --"])
def test_an_unknown_or_malformed_id_is_not_found(messaging: Harness, unknown: str) -> None:
    with pytest.raises(NotFound):
        messaging.call_as(person("Nobody"), contract.MARK_NOTIFICATION, notification_id=unknown, read=True)


def test_a_newcomer_has_none(messaging: Harness) -> None:
    newcomer = person("New")
    page = messaging.call_as(newcomer, contract.LIST_NOTIFICATIONS)
    assert page == {"data": [], "next_cursor": None}
    assert messaging.call_as(newcomer, contract.COUNT_UNREAD) == {"count": 0}
    assert messaging.call_as(newcomer, contract.MARK_ALL_READ) is None
