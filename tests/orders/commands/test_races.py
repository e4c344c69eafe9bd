"""Races on a real database: of contradictory requests exactly one succeeds, and no history has a gap."""

import itertools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from kit.errors import Conflict, ServiceError
from tests.orders.commands.test_run_timers import age
from tests.orders.market import Json, Market

CLIENTS = 18
ROUNDS = 3
Act = Callable[[], Any]


def race(*acts: Act) -> list[Any]:
    """Runs all acts at the same moment; answers or errors, in the acts' order."""
    barrier = threading.Barrier(len(acts))

    def run(act: Act) -> Any:
        barrier.wait()
        try:
            return act()
        except ServiceError as error:
            return error

    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(run, acts))


def taking(market: Market, order: Json, requests: list[tuple[str, str]]) -> list[Act]:
    """Many clients, each with one of the requests in turn."""

    def act(who: str, transition: str) -> Act:
        reason = None if transition in ("approve", "withdraw", "confirm", "complete_work") else "Because."
        return partial(market.take, order, transition, who, reason=reason)

    return [act(*requests[client % len(requests)]) for client in range(CLIENTS)]


def assert_one_story(market: Market, order: Json, steps: int) -> None:
    """History, events and order tell the same, without a gap."""
    lines, events, seen = market.history(order), market.events(order), market.get(order)
    assert [line["sequence"] for line in lines] == list(range(1, steps + 1))
    assert [event["sequence"] for event in events] == list(range(1, steps + 1))
    assert all(a["to_status"] == b["from_status"] for a, b in itertools.pairwise(lines))
    assert (seen["version"], seen["status"]) == (steps, lines[-1]["to_status"])


CONTRADICTIONS = [
    ("pending", [("provider", "approve"), ("provider", "decline"), ("customer", "withdraw")]),
    ("approved", [("customer", "cancel"), ("provider", "complete_work")]),
    ("work_completed", [("customer", "confirm"), ("customer", "request_changes"), ("provider", "cancel")]),
    ("work_completed", [("customer", "confirm"), ("customer", "open_dispute"), ("staff", "cancel")]),
    ("approved", [("customer", "open_dispute"), ("provider", "open_dispute")]),
]


@pytest.mark.parametrize(("place", "requests"), CONTRADICTIONS)
def test_of_contradictory_transitions_exactly_one_wins(
    market: Market, place: str, requests: list[tuple[str, str]]
) -> None:
    for _ in range(ROUNDS):
        order = market.order_at(place)
        outcomes = race(*taking(market, order, requests))
        winners = [outcome for outcome in outcomes if isinstance(outcome, dict)]
        story = [line["transition"] for line in market.history(order)][order["version"] :]
        losers = [outcome for outcome in outcomes if not isinstance(outcome, dict)]
        assert all(isinstance(loser, Conflict) for loser in losers), losers
        assert {loser.code for loser in losers} <= {"invalid_transition"}
        assert len(winners) == len(story)
        assert_one_story(market, order, order["version"] + len(winners))
        assert_no_contradiction(story)


def assert_no_contradiction(story: list[str]) -> None:
    """One winner; a second only where the table lets it follow the first (staff end a dispute)."""
    assert story in (
        *[[transition] for transition in ("approve", "decline", "withdraw", "cancel", "complete_work")],
        *[[transition] for transition in ("confirm", "request_changes", "open_dispute")],
        ["open_dispute", "cancel"],
        ["request_changes", "cancel"],
    ), story


def test_the_confirmation_clock_and_the_parties_never_both_win(market: Market) -> None:
    for _ in range(ROUNDS):
        order = market.order_at("work_completed")
        age(market, order, "15 days")
        clock = partial(market.harness.tick, "confirm_orders")
        parties = taking(market, order, [("customer", "confirm"), ("customer", "request_changes")])
        outcomes = race(*parties[:12], *[clock] * 4)
        market.harness.tick("confirm_orders")
        assert not [o for o in outcomes if isinstance(o, Exception) and not isinstance(o, Conflict)]
        assert_one_story(market, order, 4)
        assert market.history(order)[-1]["transition"] in ("confirm", "request_changes", "auto_confirm")


def test_expiry_and_approval_never_both_win(market: Market) -> None:
    for _ in range(ROUNDS):
        order = market.submit()
        age(market, order, "80 hours")
        clock = partial(market.harness.tick, "expire_orders")
        race(*taking(market, order, [("provider", "approve")])[:12], *[clock] * 4)
        market.harness.tick("expire_orders")
        assert_one_story(market, order, 2)


def test_one_key_from_many_clients_is_one_transition_and_one_answer(market: Market) -> None:
    for _ in range(ROUNDS):
        order = market.submit()
        approve = partial(market.take, order, "approve", "provider", key=order["id"])
        outcomes = race(*[approve] * CLIENTS)
        assert all(outcome == outcomes[0] for outcome in outcomes), outcomes
        assert outcomes[0]["status"] == 2
        assert_one_story(market, order, 2)


def test_one_key_from_many_clients_is_one_order(market: Market) -> None:
    outcomes = race(*[lambda: market.submit(key="the one")] * CLIENTS)
    assert {outcome["id"] for outcome in outcomes} == {outcomes[0]["id"]}
    assert all(outcome == outcomes[0] for outcome in outcomes)
    assert_one_story(market, outcomes[0], 1)


def test_different_keys_are_different_orders_with_different_numbers(market: Market) -> None:
    outcomes = race(*[market.submit] * CLIENTS)
    assert len({outcome["number"] for outcome in outcomes}) == CLIENTS


def test_people_who_order_from_each_other_at_once_do_not_wait_crosswise(market: Market) -> None:
    other = market.add_offer(market.customer)
    back = partial(market.submit, caller=market.provider, service_id=other["service_id"])
    acts: list[Act] = [market.submit, back]
    outcomes = race(*acts * (CLIENTS // 2))
    assert all(isinstance(outcome, dict) for outcome in outcomes), outcomes


def test_of_many_who_saw_the_same_version_one_wins(market: Market) -> None:
    order = market.order_at("approved")
    seen = {"who": "provider", "expected_version": order["version"]}
    acts: list[Act] = [
        partial(market.take, order, "cancel", reason="Because.", **seen),
        partial(market.take, order, "complete_work", **seen),
    ]
    outcomes = race(*acts * (CLIENTS // 2))
    assert len([outcome for outcome in outcomes if isinstance(outcome, dict)]) == 1
    assert {o.code for o in outcomes if isinstance(o, ServiceError)} == {"precondition_failed"}
    assert_one_story(market, order, 3)
