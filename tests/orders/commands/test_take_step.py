"""Transitions through the service: saved, told and answered at once, or refused and nothing is changed."""

from typing import Any

import pytest

from kit.errors import Conflict, Forbidden, Invalid, NotFound, Stale, Unauthenticated
from kit.security.tokens import Caller
from services.orders import contract
from tests.orders.market import WAYS, Market
from tests.support.service_harness import person

LIFE: list[tuple[str, str, dict[str, Any], int]] = [
    ("provider", "approve", {}, 2),
    ("provider", "complete_work", {"note": "In the attachment."}, 3),
    ("customer", "request_changes", {"reason": "Bluer."}, 2),
    ("provider", "complete_work", {}, 3),
    ("customer", "open_dispute", {"reason": "Still not blue."}, 3),
    ("staff", "resolve_dispute", {"reason": "It is blue.", "to_status": 4}, 4),
]


def test_a_whole_life_is_kept_and_told_without_a_gap(market: Market) -> None:
    order = market.submit()
    for who, transition, fields, status in LIFE:
        order = market.take(order, transition, who, **fields)
        assert order["status"] == status
        assert order == market.get(order, who)
        assert contract.Order().validate(order) == {}
    lines, events = market.history(order), market.events(order)
    assert (
        [line["sequence"] for line in lines] == [event["sequence"] for event in events] == list(range(1, 8))
    )
    assert [line["from_status"] for line in lines] == [None, 1, 2, 3, 2, 3, 3]
    assert [line["to_status"] for line in lines] == [1, 2, 3, 2, 3, 3, 4]
    assert [event["disputed"] for event in events] == [False] * 5 + [True, False]
    shared = ("transition", "from_status", "to_status", "actor", "reason", "note")
    assert [{name: line[name] for name in shared} for line in lines] == [
        {name: event[name] for name in shared} for event in events
    ]


def test_every_line_of_history_and_every_event_is_as_the_contract_says(market: Market) -> None:
    order = market.order_at("completed")
    for line in market.history(order):
        assert contract.OrderTransition().validate(line) == {}
    for event in market.events(order):
        assert contract.OrderStatusChanged().validate({k: v for k, v in event.items() if k != "type"}) == {}
        assert ("requirements" in event) == (event["transition"] == "submit")


@pytest.mark.parametrize(
    ("place", "transition", "who"),
    [
        ("pending", "approve", "provider"),
        ("approved", "complete_work", "provider"),
        ("work_completed", "confirm", "customer"),
        ("approved", "cancel", "staff"),
        ("disputed", "resolve_dispute", "staff"),
    ],
)
def test_a_transition_reads_once_and_writes_once(
    market: Market, place: str, transition: str, who: str
) -> None:
    order = market.order_at(place)
    to_status = 4 if transition == "resolve_dispute" else None
    market.take(order, transition, who, reason="Because.", to_status=to_status)
    read, _write = market.harness.statements
    assert "FOR UPDATE" in read


def test_completion_makes_the_payment_due_and_says_when(market: Market) -> None:
    order = market.order_at("completed")
    assert (order["status"], order["payment_status"]) == (4, "due")
    last = market.events(order)[-1]
    assert last["completed_at"] == order["updated_at"]
    assert order["available_transitions"] == []


def test_approval_and_completed_work_set_their_dates(market: Market) -> None:
    assert market.order_at("approved")["due_at"] is not None
    completed = market.order_at("work_completed")
    assert completed["confirm_by"] is not None
    assert market.take(completed, "request_changes", "customer", reason="Bluer.")["confirm_by"] is None


def test_the_checks_come_in_their_order(market: Market) -> None:
    order = market.order_at("approved")
    with pytest.raises(NotFound):
        market.take(order, "approve", "stranger", expected_version=99)
    with pytest.raises(Forbidden) as forbidden:
        market.take(order, "approve", "customer", expected_version=99)
    assert forbidden.value.code == "not_allowed"
    with pytest.raises(Stale):
        market.take(order, "decline", "provider", expected_version=99)
    with pytest.raises(Conflict) as conflict:
        market.take(order, "decline", "provider", expected_version=2)
    assert conflict.value.code == "invalid_transition"
    assert conflict.value.data["current_status"] == 2
    assert conflict.value.data["available_transitions"] == order["available_transitions"]
    with pytest.raises(Invalid) as invalid:
        market.take(order, "cancel", "provider", expected_version=2)
    assert invalid.value.code == "reason_required"
    assert len(market.history(order)) == 2
    assert len(market.events(order)) == 2


@pytest.mark.parametrize(
    "order_id", ["01a20726-1ae4-7790-910f-5756bb4b9e5e", "nope", "", "1 OR 1=1", "\u2603"]
)
def test_an_order_that_is_not_there_is_not_found(market: Market, order_id: str) -> None:
    with pytest.raises(NotFound):
        market.take({"id": order_id}, "approve", "provider")
    with pytest.raises(NotFound):
        market.get({"id": order_id})
    with pytest.raises(NotFound):
        market.history({"id": order_id})


@pytest.mark.parametrize(
    "bad",
    [
        {"transition": "pay"},
        {"transition": None},
        {"reason": "x" * 2001},
        {"note": "a\x00"},
        {"to_status": "4"},
        {"to_status": True},
        {"status": 4},
    ],
)
def test_a_request_that_cannot_be_read_is_invalid(market: Market, bad: dict[str, Any]) -> None:
    order = market.submit()
    with pytest.raises(Invalid):
        market.take(order, **{"transition": "approve", "who": "provider", **bad})
    assert market.get(order)["status"] == 1


def test_a_refusal_leaves_the_key_free(market: Market) -> None:
    order = market.submit()
    with pytest.raises(Invalid):
        market.take(order, "decline", "provider", key="k")
    assert market.take(order, "decline", "provider", key="k", reason="No time.")["status"] == 7


def test_a_repeat_gets_the_first_answer_and_changes_nothing(market: Market) -> None:
    order = market.submit()
    approved = market.take(order, "approve", "provider", key="k")
    market.take(order, "complete_work", "provider")
    assert market.take(order, "approve", "provider", key="k") == approved
    assert market.harness.replayed
    assert len(market.harness.statements) == 2
    assert len(market.history(order)) == len(market.events(order)) == 3


@pytest.mark.parametrize("place", list(WAYS))
def test_staff_see_and_cancel_whatever_is_not_final(market: Market, place: str) -> None:
    order = market.order_at(place)
    seen = market.get(order, "staff")
    assert {**seen, "available_transitions": []} == {**order, "available_transitions": []}
    if place in ("completed", "cancelled"):
        assert seen["available_transitions"] == []
        return
    assert "cancel" in seen["available_transitions"]
    assert market.take(order, "cancel", "staff", reason="Fraud.")["disputed"] is False
    actor = {"id": market.staff.id, "display_name": "Stef", "role": "staff"}
    assert market.history(order)[-1]["actor"] == market.events(order)[-1]["actor"] == actor


@pytest.mark.parametrize("place", ["disputed", "disputed_work"])
def test_in_a_dispute_no_party_can_do_anything(market: Market, place: str) -> None:
    order = market.order_at(place)
    assert order["disputed"] is True
    for who in ("customer", "provider"):
        assert market.get(order, who)["available_transitions"] == []
    for who, transition in (("provider", "cancel"), ("customer", "open_dispute"), ("customer", "confirm")):
        with pytest.raises(Conflict) as refused:
            market.take(order, transition, who, reason="Because.")
        assert refused.value.code == "invalid_transition"
    assert market.get(order, "staff")["available_transitions"] == ["cancel", "resolve_dispute"]


def test_staff_decide_nothing_in_their_own_case(market: Market) -> None:
    both = Caller(market.provider.id, "Pia", frozenset({"member", "staff"}), market.provider.session_id)
    order = market.submit()
    with pytest.raises(Forbidden):
        market.take(order, "cancel", both, reason="As staff.")
    market.take(order, "approve", both)
    disputed = market.take(order, "open_dispute", "customer", reason="Why not.")
    assert "resolve_dispute" not in market.get(disputed, both)["available_transitions"]
    for transition, fields in (("resolve_dispute", {"to_status": 7}), ("cancel", {})):
        with pytest.raises(Forbidden):
            market.take(order, transition, both, reason="Enough.", **fields)
    market.take(order, "resolve_dispute", "staff", reason="Enough.", to_status=7)
    assert [line["actor"]["role"] for line in market.history(order)] == [
        "customer",
        "provider",
        "customer",
        "staff",
    ]


def test_without_a_token_nothing_is_told_or_done(market: Market) -> None:
    order = market.submit()
    with pytest.raises(Unauthenticated):
        market.harness.call_as(None, contract.GET_ORDER, order_id=order["id"])
    with pytest.raises(Unauthenticated):
        market.harness.call_as(None, contract.TRANSITION_ORDER, order_id=order["id"], transition="withdraw")


def test_a_stranger_is_a_stranger_in_every_place(market: Market) -> None:
    for place in WAYS:
        order = market.order_at(place)
        for transition in contract.TRANSITIONS:
            with pytest.raises(NotFound):
                market.take(order, transition, person("Eve"), reason="Because.")
