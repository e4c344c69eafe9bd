from typing import Any

import pytest
from structlog.testing import capture_logs

from kit.contracts import Rpc
from kit.errors import BadQuery, Forbidden, Invalid, NotFound, Unauthenticated
from services.accounts import contract as accounts_contract
from services.messaging import contract
from tests.messaging.actions import every_page, mark_read, messages, move, post, rename, threads
from tests.messaging.sample_events import Deal, new_id, party
from tests.support.service_harness import Harness

# a way through every status, both ends included
STEPS = ["approve", "complete_work", "request_changes", "complete_work", "open_dispute", "confirm"]


def test_both_parties_write_at_every_status_to_the_end(messaging: Harness, deal: Deal) -> None:
    written = [post(messaging, deal.customer, deal, "at pending")]
    for step in STEPS:
        move(messaging, deal, step)
        written.append(post(messaging, deal.provider, deal, f"after {step}"))
        written.append(post(messaging, deal.customer, deal, f"thanks for {step}"))

    assert messages(messaging, deal.customer, deal) == written[::-1]
    assert messages(messaging, deal.provider, deal) == written[::-1]


@pytest.mark.parametrize("ending", ["decline", "withdraw", "expire", "cancel"])
def test_a_cancelled_order_still_lets_both_write(messaging: Harness, deal: Deal, ending: str) -> None:
    move(messaging, deal, ending)
    for author in (deal.customer, deal.provider):
        assert post(messaging, author, deal, "A pity")["author"] == party(author)


def test_a_message_is_kept_as_typed(messaging: Harness, deal: Deal) -> None:
    body = "  <b>50 %s</b> :name\n'; DROP TABLE messages; -- \\ 🙂 %(x)s"
    posted = post(messaging, deal.customer, deal, body)

    assert posted["body"] == body
    assert posted["order_id"] == deal.order_id
    assert posted["author"] == party(deal.customer)
    assert posted["read_at"] is None
    assert messages(messaging, deal.provider, deal) == [posted]


def test_staff_who_read_a_thread_are_logged_and_parties_are_not(messaging: Harness, deal: Deal) -> None:
    with capture_logs() as logs:
        for caller in (deal.customer, deal.staff, deal.provider):
            messages(messaging, caller, deal)
    (line,) = [line for line in logs if line["event"] == "staff_read"]
    assert (line["resource"], line["account_id"], line["order_id"]) == (
        "messages", deal.staff.id, deal.order_id,
    )  # fmt: skip


def test_staff_read_but_neither_write_nor_mark(messaging: Harness, deal: Deal) -> None:
    posted = post(messaging, deal.customer, deal)

    assert messages(messaging, deal.staff, deal) == [posted]
    with pytest.raises(Forbidden):
        post(messaging, deal.staff, deal)
    with pytest.raises(Forbidden):
        mark_read(messaging, deal.staff, deal, posted["id"])
    assert messages(messaging, deal.customer, deal) == [posted]


def test_to_a_stranger_the_order_does_not_exist(messaging: Harness, deal: Deal) -> None:
    posted = post(messaging, deal.customer, deal)

    with pytest.raises(NotFound):
        messages(messaging, deal.stranger, deal)
    with pytest.raises(NotFound):
        post(messaging, deal.stranger, deal)
    with pytest.raises(NotFound):
        mark_read(messaging, deal.stranger, deal, posted["id"])
    assert threads(messaging, deal.stranger) == []


def test_without_a_token_nothing_is_answered(messaging: Harness, deal: Deal) -> None:
    calls: list[tuple[Rpc, dict[str, Any]]] = [
        (contract.LIST_MESSAGES, {"order_id": deal.order_id}),
        (contract.POST_MESSAGE, {"order_id": deal.order_id, "body": "Hi"}),
        (contract.MARK_MESSAGES_READ, {"order_id": deal.order_id, "up_to": new_id()}),
        (contract.LIST_THREADS, {}),
        (contract.LIST_NOTIFICATIONS, {}),
        (contract.COUNT_UNREAD, {}),
        (contract.MARK_NOTIFICATION, {"notification_id": new_id(), "read": True}),
        (contract.MARK_ALL_READ, {}),
        (contract.GET_PREFERENCES, {}),
        (contract.CHANGE_PREFERENCES, {}),
    ]
    for method, arguments in calls:
        with pytest.raises(Unauthenticated):
            messaging.call_as(None, method, **arguments)


@pytest.mark.parametrize("malformed", ["1", "", "not-an-id", "'; --", "A" * 36, "../etc"])
def test_a_malformed_order_id_is_not_found(messaging: Harness, malformed: str) -> None:
    deal = Deal()
    deal.order_id = malformed
    with pytest.raises(NotFound):
        messages(messaging, deal.customer, deal)
    with pytest.raises(NotFound):
        post(messaging, deal.customer, deal)
    with pytest.raises(NotFound):
        mark_read(messaging, deal.customer, deal, new_id())


def test_an_order_without_messages_has_an_empty_list(messaging: Harness, deal: Deal) -> None:
    page = messaging.call_as(deal.customer, contract.LIST_MESSAGES, order_id=deal.order_id)
    assert page == {"data": [], "next_cursor": None}


def test_read_at_is_when_the_other_party_read(messaging: Harness, deal: Deal) -> None:
    first, second = (post(messaging, deal.customer, deal, body) for body in ("one", "two"))
    own = post(messaging, deal.provider, deal, "three")

    mark_read(messaging, deal.provider, deal, first["id"])
    newest_first = messages(messaging, deal.customer, deal)
    assert [message["read_at"] is not None for message in newest_first] == [False, False, True]

    mark_read(messaging, deal.provider, deal, own["id"])
    newest_first = messages(messaging, deal.customer, deal)
    assert [message["read_at"] is not None for message in newest_first] == [False, True, True]
    assert newest_first[1]["id"] == second["id"]


def test_one_s_own_messages_are_never_marked_by_oneself(messaging: Harness, deal: Deal) -> None:
    own = post(messaging, deal.customer, deal)
    mark_read(messaging, deal.customer, deal, own["id"])
    assert messages(messaging, deal.customer, deal)[0]["read_at"] is None


def test_a_read_mark_never_goes_backwards(messaging: Harness, deal: Deal) -> None:
    first, second = (post(messaging, deal.customer, deal, body) for body in ("one", "two"))
    mark_read(messaging, deal.provider, deal, second["id"])
    marked = messages(messaging, deal.provider, deal)

    mark_read(messaging, deal.provider, deal, first["id"])
    mark_read(messaging, deal.provider, deal, second["id"])

    assert messages(messaging, deal.provider, deal) == marked
    assert threads(messaging, deal.provider)[0]["unread_count"] == 0


def test_a_read_mark_must_name_a_message_of_that_order(messaging: Harness, deal: Deal) -> None:
    other = Deal(deal.customer, deal.provider)
    move(messaging, other, "submit")
    elsewhere = post(messaging, other.customer, other)
    post(messaging, deal.customer, deal)

    for up_to in (elsewhere["id"], new_id()):
        with pytest.raises(Invalid) as refused:
            mark_read(messaging, deal.provider, deal, up_to)
        assert refused.value.data["errors"][0]["field"] == "up_to"
    assert messages(messaging, deal.provider, deal)[0]["read_at"] is None


def test_unread_counts_are_per_person_and_per_order(messaging: Harness, deal: Deal) -> None:
    posted = [post(messaging, deal.customer, deal, str(number)) for number in range(3)]
    post(messaging, deal.provider, deal)
    assert threads(messaging, deal.provider)[0]["unread_count"] == 3
    assert threads(messaging, deal.customer)[0]["unread_count"] == 1

    mark_read(messaging, deal.provider, deal, posted[1]["id"])
    assert threads(messaging, deal.provider)[0]["unread_count"] == 1
    assert threads(messaging, deal.customer)[0]["unread_count"] == 1


def test_messages_come_in_pages_without_loss_or_repeat(messaging: Harness, deal: Deal) -> None:
    bodies = [str(number) for number in range(7)]
    for body in bodies:
        post(messaging, deal.customer, deal, body)

    pages = every_page(messaging, deal.provider, contract.LIST_MESSAGES, 3, order_id=deal.order_id)

    assert [[message["body"] for message in page] for page in pages] == [
        ["6", "5", "4"],
        ["3", "2", "1"],
        ["0"],
    ]


def test_a_cursor_belongs_to_its_order(messaging: Harness, deal: Deal) -> None:
    other = Deal(deal.customer, deal.provider)
    move(messaging, other, "submit")
    for _ in range(2):
        post(messaging, deal.customer, deal)
    page = messaging.call_as(deal.customer, contract.LIST_MESSAGES, order_id=deal.order_id, limit=1)

    with pytest.raises(BadQuery):
        messages(messaging, deal.customer, other, cursor=page["next_cursor"])


def test_the_inbox_shows_the_order_the_other_party_and_the_last_message(
    messaging: Harness, deal: Deal
) -> None:
    (line,) = threads(messaging, deal.provider)
    assert line["order_id"] == deal.order_id
    assert line["order"] == {"id": deal.order_id, "number": deal.number, "status": 1, "service": deal.service}
    assert line["other_party"] == party(deal.customer)
    assert line["last_message"] is None
    assert line["unread_count"] == 0

    posted = post(messaging, deal.customer, deal)
    move(messaging, deal, "approve")
    (line,) = threads(messaging, deal.customer)
    assert line["other_party"] == party(deal.provider)
    assert line["last_message"] == posted
    assert line["order"]["status"] == 2


def test_the_inbox_holds_both_roles_newest_activity_first(messaging: Harness) -> None:
    me = Deal().customer
    deals = [Deal(customer=me) if number % 2 else Deal(provider=me) for number in range(5)]
    for one in deals:
        move(messaging, one, "submit")
    post(messaging, me, deals[2])
    move(messaging, deals[0], "approve")

    expected = [deals[number].order_id for number in (0, 2, 4, 3, 1)]
    assert [line["order"]["id"] for line in threads(messaging, me)] == expected
    pages = every_page(messaging, me, contract.LIST_THREADS, 2)
    assert [len(page) for page in pages] == [2, 2, 1]
    assert [line["order"]["id"] for page in pages for line in page] == expected


def test_people_are_shown_under_their_current_names(messaging: Harness, deal: Deal) -> None:
    post(messaging, deal.customer, deal)
    rename(messaging, deal.customer, "Carla the Second", 2)
    rename(messaging, deal.customer, "Carla the First", 1, accounts_contract.ACCOUNT_REGISTERED)
    move(messaging, deal, "approve")

    assert messages(messaging, deal.provider, deal)[0]["author"]["display_name"] == "Carla the Second"
    line = threads(messaging, deal.provider)[0]
    assert line["other_party"]["display_name"] == "Carla the Second"
    assert line["last_message"]["author"]["display_name"] == "Carla the Second"
    assert post(messaging, deal.customer, deal)["author"]["display_name"] == "Carla the Second"


def test_a_name_known_from_accounts_is_not_replaced_by_an_order(messaging: Harness) -> None:
    deal = Deal()
    rename(messaging, deal.customer, "Newer Name", 1, accounts_contract.ACCOUNT_REGISTERED)
    move(messaging, deal, "submit")
    assert threads(messaging, deal.provider)[0]["other_party"]["display_name"] == "Newer Name"


def test_the_same_key_posts_once_and_answers_the_same(messaging: Harness, deal: Deal) -> None:
    first = post(messaging, deal.customer, deal, "Once", key="k1")
    assert post(messaging, deal.customer, deal, "Once", key="k1") == first
    assert messaging.replayed
    assert messages(messaging, deal.provider, deal) == [first]
    with pytest.raises(Invalid) as refused:
        post(messaging, deal.customer, deal, "Twice", key="k1", fingerprint="another")
    assert refused.value.code == "idempotency_key_reused"


def test_a_message_is_announced_to_the_other_party_only(messaging: Harness, deal: Deal) -> None:
    posted = post(messaging, deal.provider, deal)
    (event,) = [e for e in messaging.events("message_posted") if e["message_id"] == posted["id"]]
    assert event["order_id"] == deal.order_id
    assert event["author"] == party(deal.provider)
    assert event["recipient_ids"] == [deal.customer.id]
