"""Contradictory requests at the same moment, through the gateway: one wins, the others are refused."""

import asyncio
from collections.abc import Callable

import pytest

from client.resources import Order
from tests.races.assertions import Databases, assert_consistent_history, assert_refused
from tests.races.pairs import Pair, new_pair, parts
from tests.races.race import Race
from tests.support.stack import Stack

Requests = tuple[tuple[str, str], ...]
Prepare = Callable[[Order, Race], None]

CONTRADICTIONS: list[tuple[int, Requests]] = [
    (1, (("provider", "approve"), ("provider", "decline"), ("customer", "withdraw"))),
    (2, (("customer", "cancel"), ("provider", "complete_work"))),
    (3, (("customer", "confirm"), ("provider", "cancel"))),
]
CLOCK_WITHIN_SECONDS = 0.03


def no_clock(_order: Order, _race: Race) -> None:
    """Only people race."""


async def one_round(pair: Pair, race: Race, status: int, requests: Requests, prepare: Prepare) -> str:
    """One order, one race; the order's id."""
    order = await pair.order_at(status)
    contenders = [pair.transition(order, role, transition) for role, transition in requests]
    race.random.shuffle(contenders)
    prepare(order, race)
    answers = await race.run(contenders)
    winners = [contender.name for contender, answer in answers.items() if answer.status == 200]
    seen, last = await assert_consistent_history(pair.customer, order, new_steps=1)
    assert winners in ([last], []), answers
    race.won(last)
    for contender, answer in answers.items():
        if contender.name == last:
            assert answer.body["version"] == seen["version"]
            assert answer.retry or not answer.replayed
        else:
            assert_refused(answer, await contender.client.order(order["id"]))
    return order["id"]


async def all_rounds(url: str, race: Race, status: int, requests: Requests, prepare: Prepare) -> list[str]:
    """Every round of a race; the orders' ids."""
    ids = []
    for rounds in parts(race.rounds):
        async with new_pair(url) as pair:
            ids += [await one_round(pair, race, status, requests, prepare) for _ in range(rounds)]
    return ids


@pytest.mark.parametrize(("status", "requests"), CONTRADICTIONS)
def test_of_contradictory_requests_exactly_one_wins(
    stack: Stack, databases: Databases, rounds: int, seed: int, status: int, requests: Requests
) -> None:
    names = [transition for _, transition in requests]
    race = Race(" / ".join(names), rounds, seed)
    ids = asyncio.run(all_rounds(stack.url, race, status, requests, no_clock))
    print(race.finish(*names))  # noqa: T201
    databases.assert_notified_once(ids)


@pytest.mark.usefixtures("fast_clocks")
def test_the_system_and_the_customer_never_both_complete(
    stack: Stack, databases: Databases, rounds: int, seed: int
) -> None:
    def run_out_soon(order: Order, race: Race) -> None:
        seconds = race.delay(CLOCK_WITHIN_SECONDS)
        query = "UPDATE orders SET confirm_by = clock_timestamp() + %s * interval '1 s' WHERE id = %s"
        databases.rows("orders", query, seconds, order["id"])

    requests = (("customer", "confirm"), ("customer", "request_changes"))
    race = Race("confirm / request_changes / auto_confirm", rounds, seed)
    ids = asyncio.run(all_rounds(stack.url, race, 3, requests, run_out_soon))
    print(race.finish("confirm", "request_changes", "auto_confirm"))  # noqa: T201
    databases.assert_notified_once(ids)


@pytest.mark.usefixtures("fast_clocks")
def test_the_system_and_the_parties_never_both_end_an_unanswered_order(
    stack: Stack, databases: Databases, rounds: int, seed: int
) -> None:
    def expire_soon(order: Order, race: Race) -> None:
        seconds = race.delay(CLOCK_WITHIN_SECONDS)
        query = (
            "UPDATE orders SET created_at = clock_timestamp() - interval '72 h' + %s * interval '1 s'"
            " WHERE id = %s"
        )
        databases.rows("orders", query, seconds, order["id"])

    requests = (("provider", "approve"), ("customer", "withdraw"))
    race = Race("approve / withdraw / expire", rounds, seed)
    ids = asyncio.run(all_rounds(stack.url, race, 1, requests, expire_soon))
    print(race.finish("approve", "withdraw", "expire"))  # noqa: T201
    databases.assert_notified_once(ids)
