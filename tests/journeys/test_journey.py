"""The main job, done for real: in one process, and with every service as its own."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from client import MarketplaceClient
from tests.journeys import paying, walk
from tests.journeys.embedded import Embedded
from tests.support.stack import Stack

JOURNEYS = [walk.whole_journey, walk.cancelled_journey, paying.hasty_journey]
Journey = Callable[[str], Awaitable[None]]


@pytest.mark.parametrize("journey", JOURNEYS)
def test_the_journey_passes_on_separate_processes(stack: Stack, journey: Journey) -> None:
    asyncio.run(_run(journey, stack.url))


def test_ten_journeys_at_once_do_not_mix(stack: Stack) -> None:
    async def ten() -> None:
        await asyncio.gather(*(walk.whole_journey(stack.url) for _ in range(10)))

    asyncio.run(ten())


@pytest.mark.journey
@pytest.mark.xdist_group("embedded")
def test_the_journey_passes_in_one_process_and_a_second_start_finds_the_data(tmp_path: Path) -> None:
    with Embedded(tmp_path) as marketplace:
        assert marketplace.ready_after_seconds < 20, "a bound for slow machines; 8 s is the aim"
        for journey in JOURNEYS:
            asyncio.run(_run(journey, marketplace.url))
        order_id, account = asyncio.run(_leave_an_order(marketplace.url))
        marketplace.interrupt()
        assert marketplace.exit_code == 0
        marketplace.start()
        asyncio.run(_finds_the_order(marketplace.url, order_id, account))
        marketplace.interrupt()
        assert marketplace.exit_code == 0


async def _run(journey: Journey, url: str) -> None:
    await journey(url)


async def _leave_an_order(url: str) -> tuple[str, str]:
    async with walk.person(url, "Customer") as customer, walk.person(url, "Provider") as provider:
        begun = await walk.begin(customer, provider)
        assert customer.session is not None
        return begun.order["id"], customer.session["account"]["email"]


async def _finds_the_order(url: str, order_id: str, email: str) -> None:
    async with MarketplaceClient(url) as customer:
        await customer.sign_in(email, walk.PASSWORD)
        assert (await customer.order(order_id))["status"] == 1
        await customer.post_message(order_id, "Still there?")
