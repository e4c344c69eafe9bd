"""Every role × status × dispute × payment status has one sentence, and the right people's turn."""

import itertools
from typing import Any, cast

import pytest

from client.resources import Order, OrderTransition, Payment
from website.views import order_banner
from website.views.labels import PAYMENT_LABELS
from website.views.order_banner import CUSTOMER, PROVIDER, STAFF

PARTIES = {CUSTOMER: "c-1", PROVIDER: "p-1", STAFF: "s-1"}
PAYMENT_STATUSES = [status for status in PAYMENT_LABELS if status != "requires_action"]
RUNNING, ALL = (1, 2, 3), (1, 2, 3, 4, 7)
MAY = {
    (1, PROVIDER): ["approve", "decline"],
    (1, CUSTOMER): ["withdraw"],
    (1, STAFF): ["cancel"],
    (2, PROVIDER): ["complete_work", "cancel", "open_dispute"],
    (2, CUSTOMER): ["cancel", "open_dispute"],
    (2, STAFF): ["cancel"],
    (3, PROVIDER): ["cancel", "open_dispute"],
    (3, CUSTOMER): ["request_changes", "confirm", "open_dispute"],
    (3, STAFF): ["cancel"],
}


def order_at(status: int, role: str, disputed: bool = False, payment_status: str = "not_due") -> Order:
    """An order as somebody sees it."""
    may = MAY.get((status, role), [])
    if disputed:
        may = ["cancel", "resolve_dispute"] if role == STAFF else []
    order: dict[str, Any] = {
        "status": status,
        "customer": {"id": "c-1", "display_name": "{provider} & Co"},
        "provider": {"id": "p-1", "display_name": "Ada"},
        "disputed": disputed,
        "payment_status": payment_status,
        "available_transitions": may,
        "due_at": "2026-11-30T10:00:00Z" if status > 1 else None,
        "confirm_by": "2026-12-09T10:00:00Z" if status == 3 and not disputed else None,
    }
    return cast(Order, order)


def payment_at(status: str) -> Payment:
    return cast(Payment, {"status": status})


def every_case() -> list[tuple[str, int, bool, str]]:
    running = itertools.product(PARTIES, RUNNING, (False, True), ("not_due",))
    ended = itertools.product(PARTIES, (4, 7), (False,), PAYMENT_STATUSES)
    return [*running, *ended]


@pytest.mark.parametrize(("role", "status", "disputed", "paid"), every_case())
def test_every_reader_of_every_order_is_told_one_thing(
    role: str, status: int, disputed: bool, paid: str
) -> None:
    order = order_at(status, role, disputed, paid)
    for can_review in (False, True):
        banner = order_banner.banner_of(order, role, can_review)
        assert banner.tone in ("act", "wait", "good", "bad", "over")
        assert banner.title and banner.text
        assert "You can" not in banner.text or role != STAFF


@pytest.mark.parametrize(("role", "status", "disputed", "paid"), every_case())
def test_a_banner_asks_exactly_those_to_act_whose_turn_it_is(
    role: str, status: int, disputed: bool, paid: str
) -> None:
    order = order_at(status, role, disputed, paid)
    if (status, paid) == (4, "not_due"):
        return  # the payment falls due with the same step, so nobody sees this
    asks = order_banner.banner_of(order, role, can_review=False).tone == "act"
    assert asks == order_banner.is_turn_of(order, role)


@pytest.mark.parametrize("status", ALL)
@pytest.mark.parametrize("role", PARTIES)
def test_it_is_the_turn_of_the_one_who_brings_the_order_on(role: str, status: int) -> None:
    turn_at = {(1, PROVIDER), (2, PROVIDER), (3, CUSTOMER)}
    assert order_banner.is_turn_of(order_at(status, role), role) == ((status, role) in turn_at)


def test_nobody_is_asked_for_what_the_api_does_not_offer() -> None:
    order = order_at(1, PROVIDER)
    order["available_transitions"] = []
    assert not order_banner.is_turn_of(order, PROVIDER)


@pytest.mark.parametrize("paid", PAYMENT_STATUSES)
def test_a_completed_order_waits_for_its_customer_while_unpaid(paid: str) -> None:
    waits = paid in ("due", "failed")
    assert order_banner.is_turn_of(order_at(4, CUSTOMER, payment_status=paid), CUSTOMER) == waits
    assert not order_banner.is_turn_of(order_at(4, PROVIDER, payment_status=paid), PROVIDER)
    assert not order_banner.is_turn_of(order_at(4, STAFF, payment_status=paid), STAFF)


@pytest.mark.parametrize("status", [2, 3])
def test_a_dispute_is_the_turn_of_staff_and_stops_every_clock(status: int) -> None:
    assert order_banner.is_turn_of(order_at(status, STAFF, disputed=True), STAFF)
    for role in (CUSTOMER, PROVIDER):
        order = order_at(status, role, disputed=True)
        banner = order_banner.banner_of(order, role, can_review=True)
        assert not order_banner.is_turn_of(order, role)
        assert (banner.tone, banner.by) == ("bad", None)


def test_the_time_by_which_is_that_of_the_status() -> None:
    for role in PARTIES:
        assert order_banner.banner_of(order_at(1, role), role, False).by is None
        assert order_banner.banner_of(order_at(2, role), role, False).by == "2026-11-30T10:00:00Z"
        assert order_banner.banner_of(order_at(3, role), role, False).by == "2026-12-09T10:00:00Z"


def test_a_payment_that_waits_for_its_customer_says_so_to_the_customer_alone() -> None:
    order, payment = order_at(4, CUSTOMER, payment_status="processing"), payment_at("requires_action")
    assert order_banner.banner_of(order, CUSTOMER, False, payment).tone == "act"
    assert order_banner.banner_of(order, CUSTOMER, False, payment_at("processing")).tone == "wait"
    assert order_banner.banner_of(order, PROVIDER, False, payment).tone == "wait"


def test_a_paid_order_invites_to_a_review_while_one_may_be_submitted() -> None:
    order = order_at(4, CUSTOMER, payment_status="paid")
    assert "review" in order_banner.banner_of(order, CUSTOMER, can_review=True).text
    assert order_banner.banner_of(order, CUSTOMER, can_review=False).title == "All done"


def test_names_are_put_in_once() -> None:
    assert order_banner.banner_of(order_at(3, PROVIDER), PROVIDER, False).title == (
        "Waiting for <bdi>{provider} &amp; Co</bdi>"
    )


def test_a_reader_who_is_no_party_is_staff() -> None:
    for role, account_id in PARTIES.items():
        assert order_banner.role_on(order_at(1, role), account_id) == role


@pytest.mark.parametrize("status", [1, 2, 3, 4])
def test_the_way_of_an_order_has_four_stations_and_one_is_now(status: int) -> None:
    states = {step.code: step.state for step in order_banner.progress_of(order_at(status, CUSTOMER), [])}
    assert list(states) == [1, 2, 3, 4]
    assert [code for code, state in states.items() if state == "now"] == [status]
    assert [code for code, state in states.items() if state == "past"] == list(range(1, status))


@pytest.mark.parametrize("came_to", [1, 2, 3])
def test_a_cancelled_order_shows_how_far_it_came_and_its_end(came_to: int) -> None:
    history = [{"from_status": code - 1 or None, "to_status": code} for code in range(1, came_to + 1)]
    history.append({"from_status": came_to, "to_status": 7})
    progress = order_banner.progress_of(order_at(7, CUSTOMER), cast(list[OrderTransition], history))
    assert [(s.code, s.state) for s in progress] == [
        *((code, "past") for code in range(1, came_to + 1)),
        (7, "now"),
    ]
