"""One key from sixteen clients at once: one effect, and everybody gets its one answer."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest

from tests.races.assertions import Databases, assert_consistent_history
from tests.races.pairs import Pair, new_pair, parts
from tests.races.race import Answer, Race
from tests.support.servers import eventually
from tests.support.stack import Stack

CLIENTS = 16
Request = tuple[str, str, dict[str, Any], str]  # who, path, body, the order it is about ("": a new one)

Prepare = Callable[[Pair], Awaitable[Request]]


async def placing(pair: Pair) -> Request:
    return "customer", "/v1/orders", {"service_id": pair.service["id"], "requirements": "One, please."}, ""


async def approving(pair: Pair) -> Request:
    order = await pair.order_at(1)
    return "provider", f"/v1/orders/{order['id']}/transitions", {"transition": "approve"}, order["id"]


async def writing(pair: Pair) -> Request:
    order = await pair.order_at(1)
    return "provider", f"/v1/orders/{order['id']}/messages", {"body": "Only once ☕"}, order["id"]


async def reviewing(pair: Pair) -> Request:
    order = await pair.order_at(4)
    return "customer", f"/v1/orders/{order['id']}/review", {"rating": 5, "text": "Quick."}, order["id"]


async def one_answer(pair: Pair, race: Race, request: Request) -> Answer:
    """Sixteen clients, one key: the same answer for all, made once and replayed to the others."""
    role, path, body, _ = request
    key = str(uuid4())
    contenders = [pair.post(role, f"client {n}", path, body, key) for n in range(CLIENTS)]
    answers = await race.run(contenders)
    patient = any(answer.retry for answer in answers.values())  # the first answer may have got lost
    made = [contender for contender, answer in answers.items() if not answer.replayed or patient]
    assert len(made) == 1 or patient, answers
    first = answers[made[0]]
    assert first.status in (200, 201), first
    assert all((answer.status, answer.body) == (first.status, first.body) for answer in answers.values())
    race.won(made[0].name)
    return first


async def all_rounds(url: str, race: Race, prepare: Prepare) -> list[tuple[Request, Answer]]:
    """Every round; what was asked and answered."""
    done = []
    for rounds in parts(race.rounds):
        async with new_pair(url) as pair:
            for _ in range(rounds):
                request = await prepare(pair)
                done.append((request, await one_answer(pair, race, request)))
            await checked(pair, prepare, done[-rounds:])
    return done


async def checked(pair: Pair, prepare: Prepare, done: list[tuple[Request, Answer]]) -> None:
    """There are no more orders and no more steps than answers."""
    if prepare is placing:
        page = await pair.customer.orders("customer", limit=100)
        assert sorted(o["id"] for o in page["data"]) == sorted(answer.body["id"] for _, answer in done)
    if prepare is approving:
        for (_, _, _, order_id), _answer in done:
            order = await pair.customer.order(order_id)
            await assert_consistent_history(pair.customer, {**order, "version": 1}, new_steps=1)


def _many(race: Race) -> str:
    # Which of sixteen equal clients is first says nothing; that it is not always the same one does.
    winners = len(race.wins)
    assert sum(race.wins.values()) == race.rounds
    assert winners > 1 or race.rounds < 6
    return f"{race.title}: {race.rounds} rounds, won by {winners} different clients (RACE_SEED={race.seed})"


@pytest.mark.parametrize("prepare", [placing, approving])
def test_one_key_from_sixteen_clients_moves_an_order_once(
    stack: Stack, databases: Databases, rounds: int, seed: int, prepare: Prepare
) -> None:
    race = Race(f"one key, {prepare.__name__}", rounds, seed)
    done = asyncio.run(all_rounds(stack.url, race, prepare))
    print(_many(race))  # noqa: T201
    databases.assert_notified_once([answer.body["id"] for _, answer in done])


@pytest.mark.parametrize(
    ("prepare", "event", "notifications"),
    [(writing, "message_posted", "message_posted"), (reviewing, "review_submitted", "review_submitted")],
)
def test_one_key_from_sixteen_clients_says_it_once(
    stack: Stack,
    databases: Databases,
    rounds: int,
    seed: int,
    prepare: Prepare,
    event: str,
    notifications: str,
) -> None:
    race = Race(f"one key, {prepare.__name__}", rounds, seed)
    done = asyncio.run(all_rounds(stack.url, race, prepare))
    print(_many(race))  # noqa: T201
    ids = sorted(order_id for (_, _, _, order_id), _ in done)
    owner = "messaging" if prepare is writing else "reviews"
    events = databases.rows(
        owner,
        "SELECT body->>'order_id' FROM outbox WHERE type = %s AND body->>'order_id' = ANY (%s)",
        event,
        ids,
    )
    assert sorted(order_id for (order_id,) in events) == ids
    query = "SELECT order_id::text FROM notifications WHERE type = %s AND order_id = ANY (%s::uuid[])"
    eventually(
        lambda: len(databases.rows("messaging", query, notifications, ids)) >= len(ids),
        60,
        "every notification",
    )
    assert sorted(order_id for (order_id,) in databases.rows("messaging", query, notifications, ids)) == ids
