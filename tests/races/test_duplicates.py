"""The same request under different keys at once: one succeeds, the others are refused."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from uuid import uuid4

import pytest

from tests.journeys import walk
from tests.races.pairs import Pair, new_pair, parts
from tests.races.race import Contender, Race
from tests.support.stack import Stack

DUPLICATES = 4
Prepare = Callable[[Pair], Awaitable[list[Contender]]]


async def reviewing(pair: Pair) -> list[Contender]:
    """The confirmation's event may still be on its way to reviews."""
    order = await pair.order_at(4)
    path = f"/v1/orders/{order['id']}/review"
    return [pair.post("customer", f"duplicate {n}", path, {"rating": n + 1}) for n in range(DUPLICATES)]


async def replying(pair: Pair) -> list[Contender]:
    order = await pair.order_at(4)
    review = await pair.customer.submit_review(order["id"], 5)
    path = f"/v1/reviews/{review['id']}/reply"
    return [pair.post("provider", f"duplicate {n}", path, {"text": f"Thanks {n}"}) for n in range(DUPLICATES)]


async def editing(pair: Pair) -> list[Contender]:
    service = await pair.provider.service(pair.service["id"])
    path, match = f"/v1/services/{service['id']}", f'"{service["version"]}.0"'
    edits = [
        pair.post("provider", f"duplicate {n}", path, {"delivery_days": n + 4}, **{"If-Match": match})
        for n in range(DUPLICATES)
    ]
    return [replace(edit, method="PATCH") for edit in edits]


async def signing_up(pair: Pair) -> list[Contender]:
    account = {"email": f"{uuid4().hex[:16]}@example.com", "password": walk.PASSWORD, "display_name": "Ada"}
    return [pair.post(role, f"duplicate {n}", "/v1/accounts", account)
            for n, role in enumerate(("customer", "provider"))]  # fmt: skip


async def refreshing(pair: Pair) -> list[Contender]:
    """Used twice, a refresh token is taken for stolen: the session ends, whoever was first."""
    opened = {"email": pair.customer.session["account"]["email"], "password": walk.PASSWORD}  # type: ignore[index]
    session = await pair.customer.connection.send("POST", "/v1/sessions", opened)
    body = {"refresh_token": session["refresh_token"]}
    return [pair.post("provider", f"duplicate {n}", "/v1/sessions/refresh", body) for n in range(DUPLICATES)]


RACES: list[tuple[Prepare, int, int, str]] = [
    (reviewing, 201, 409, "review_exists"),
    (replying, 201, 409, "reply_exists"),
    (editing, 200, 412, "precondition_failed"),
    (signing_up, 201, 409, "email_taken"),
    (refreshing, 200, 401, "invalid_refresh_token"),
]


async def all_rounds(url: str, race: Race, prepare: Prepare, won: int, lost: int, code: str) -> None:
    """Every round has one winner, and the others get the documented refusal."""
    for rounds in parts(race.rounds):
        async with new_pair(url) as pair:
            for _ in range(rounds):
                contenders = await prepare(pair)
                race.random.shuffle(contenders)
                answers = await race.run(contenders)
                winners = [duplicate for duplicate, answer in answers.items() if answer.status == won]
                assert len(winners) == 1, answers
                losers = {
                    (a.status, a.code) for duplicate, a in answers.items() if duplicate is not winners[0]
                }
                assert losers == {(lost, code)}, answers
                race.won(winners[0].name)


@pytest.mark.parametrize(("prepare", "won", "lost", "code"), RACES)
def test_of_duplicates_exactly_one_gets_it(
    stack: Stack, rounds: int, seed: int, prepare: Prepare, won: int, lost: int, code: str
) -> None:
    race = Race(f"duplicates {prepare.__name__}", rounds, seed)
    asyncio.run(all_rounds(stack.url, race, prepare, won, lost, code))
    names = [f"duplicate {n}" for n in range(2 if prepare is signing_up else DUPLICATES)]
    print(race.finish(*names))  # noqa: T201
