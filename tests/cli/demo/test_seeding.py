"""Seeding an embedded marketplace: everything promised is there, once, however often it was interrupted."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

from cli.demo.offers import offers
from cli.demo.people import CUSTOMERS, EVERYBODY, PASSWORD, PROVIDERS, STAFF
from cli.demo.stories import BESIDE_THE_LIFECYCLE, MESSAGE, PAY, REFUND, REPLY, REVIEW, Story, stories
from client import MarketplaceClient
from tests.embedded.dev_process import DevProcess
from tests.support.servers import eventually

SEED_SECONDS = 120.0


async def everything(dev: DevProcess) -> dict[str, Any]:
    """All orders with what belongs to them, read as the people concerned."""
    found: dict[str, Any] = {"orders": {}, "services": [], "reviews": [], "payouts": []}
    async with dev.client() as client:
        found["services"] = [s async for s in client.all_of("/v1/services")]
        for person in EVERYBODY:
            session = await client.sign_in(person.email, PASSWORD)
            assert ("staff" in session["account"]["roles"]) == (person is STAFF)
            async for order in client.all_of("/v1/orders", role="customer"):
                found["orders"][person.handle, order["requirements"]] = await _whole(client, order)
            found["payouts"] += [payout async for payout in client.all_of("/v1/me/payouts")]
            path = f"/v1/profiles/{session['account']['id']}/reviews"
            found["reviews"] += [review async for review in client.all_of(path)]
    return found


async def _whole(client: MarketplaceClient, order: Any) -> dict[str, Any]:
    path = f"/v1/orders/{order['id']}"
    return {
        **order,
        "messages": [m["body"] async for m in client.all_of(f"{path}/messages")],
        "transitions": [t["transition"] async for t in client.all_of(f"{path}/transitions")],
        "payments": [p["status"] async for p in client.all_of(f"{path}/payments")],
    }


def _planned(told: list[Story], what: str) -> int:
    return sum(step.what == what for story in told for step in story.steps)


def test_an_interrupted_seeding_goes_on_and_makes_nothing_twice(tmp_path: Path) -> None:
    told = stories(offers())
    mark = tmp_path / "data" / "demo-data"
    with DevProcess(tmp_path, SEED="1") as dev:
        eventually(
            lambda: asyncio.run(_orders_of_one_customer(dev)) > 2, SEED_SECONDS, "some orders are there"
        )
        assert mark.read_text() == "begun"
        dev.kill()
        dev.start()
        eventually(lambda: mark.read_text() == "finished", SEED_SECONDS, "the seeding ends")
        found = asyncio.run(everything(dev))
        assert dev.end() == 0, dev.output()

    assert PASSWORD in dev.output()
    assert "not complete" not in dev.output()
    assert len({service["provider"]["id"] for service in found["services"]}) == len(PROVIDERS)
    assert len(found["services"]) == len(offers())
    _orders_are_as_told(found["orders"], told)
    assert len(found["payouts"]) == 1
    assert len(found["reviews"]) == _planned(told, REVIEW)
    assert sum(bool(review["reply"]) for review in found["reviews"]) == _planned(told, REPLY)


def _orders_are_as_told(orders: dict[Any, Any], told: list[Story]) -> None:
    assert len(orders) == len(told)
    for story in told:
        order = orders[story.customer, story.requirements]
        assert order["status"] == story.status
        transitions = [s.what for s in story.steps if s.what not in BESIDE_THE_LIFECYCLE]
        assert order["transitions"] == ["submit", *transitions]
        assert Counter(order["messages"]) == Counter(s.text for s in story.steps if s.what == MESSAGE)
        assert order["payments"] == _payments_of(story)


def _payments_of(story: Story) -> list[str]:
    """How each try to pay ends, the newest first."""
    tried = ["failed" if s.text == "sandbox_declined" else "paid" for s in story.steps if s.what == PAY]
    if any(step.what == REFUND for step in story.steps):
        tried[-1] = "partly_refunded"
    return tried[::-1]


async def _orders_of_one_customer(dev: DevProcess) -> int:
    """Signs in once everybody is there; before that there is nothing to count."""
    async with dev.client() as client:
        if not (await client.search_services(limit=1))["data"]:
            return 0
        await client.sign_in(CUSTOMERS[0].email, PASSWORD)
        return len((await client.orders("customer"))["data"])


def test_a_marketplace_that_has_people_is_not_filled_with_others(tmp_path: Path) -> None:
    async def join(dev: DevProcess) -> None:
        async with dev.client() as client:
            await client.register_account("me@test.example", "correct-lantern-77", "Me")

    with DevProcess(tmp_path) as dev:
        asyncio.run(join(dev))
        dev.end()
        dev.start(SEED="1")
        assert PASSWORD not in dev.output()
        assert not (dev.data_dir / "demo-data").exists()
