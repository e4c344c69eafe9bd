"""Many people at once, reading and writing all the while, who ask for nothing twice."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from client import MarketplaceClient
from tests.journeys import walk

PAUSE_SECONDS = 0.1
NEVER_AGAIN = 0.0
Read = Callable[[MarketplaceClient], Awaitable[Any]]

# One question to each service, none of which the gateway can answer by itself.
READS: dict[str, Read] = {
    "accounts": lambda me: me.me(),
    "catalog": lambda me: me.own_services(),
    "orders": lambda me: me.orders("customer"),
    "messaging": lambda me: me.notifications(),
    "reviews": lambda me: me.profile_reviews(me.session["account"]["id"] if me.session else ""),
    "payments": lambda me: me.balance(),
}


@dataclass
class Tally:
    """What the people have done so far."""

    journeys: int = 0
    reads: int = 0
    slowest_seconds: float = 0.0

    def take_slowest(self) -> float:
        """The longest that a read has waited since this was last asked."""
        slowest, self.slowest_seconds = self.slowest_seconds, 0.0
        return slowest


@asynccontextmanager
async def traffic(url: str, walkers: int) -> AsyncIterator[Tally]:
    """Journeys and reads of every kind, until the block ends; then all journeys are finished.

    Every request gets one chance: the first that is refused or lost, and anything that a person
    does not see as it should be, fails the test.
    """
    tally, enough = Tally(), asyncio.Event()
    async with AsyncExitStack() as people, asyncio.TaskGroup() as group:
        for read in READS.values():
            reader = await people.enter_async_context(walk.person(url, "Reader", NEVER_AGAIN))
            group.create_task(_read_until(enough, reader, read, tally))
        for _ in range(walkers):
            group.create_task(_walk_until(enough, url, tally))
        yield tally
        enough.set()


async def _walk_until(enough: asyncio.Event, url: str, tally: Tally) -> None:
    while not enough.is_set():
        await walk.whole_journey(url, NEVER_AGAIN)
        tally.journeys += 1


async def _read_until(enough: asyncio.Event, reader: MarketplaceClient, read: Read, tally: Tally) -> None:
    while not enough.is_set():
        began = time.monotonic()
        await read(reader)
        tally.reads += 1
        tally.slowest_seconds = max(tally.slowest_seconds, time.monotonic() - began)
        await asyncio.sleep(PAUSE_SECONDS)
