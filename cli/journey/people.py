"""The two people of a journey, new for each, so that it can be played as often as one likes."""

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from client import MarketplaceClient

PAUSE_SECONDS = 0.1


class NeverTold(Exception):
    """An event did not come round in time; the text says which."""


@dataclass
class Traveller:
    """Somebody on a journey, and what they have been told so far."""

    name: str
    role: str
    client: MarketplaceClient
    patience_seconds: float
    _told: Counter[tuple[str, str]] = field(default_factory=Counter)

    async def told(self, kind: str, order_id: str) -> float:
        """Waits for one more notification of a kind about an order; the seconds it took.

        Raises: NeverTold.
        """
        began = time.monotonic()
        self._told[kind, order_id] += 1
        while await self._count(kind, order_id) < self._told[kind, order_id]:
            if time.monotonic() - began > self.patience_seconds:
                raise NeverTold(f"{self.name} was not told {kind} within {self.patience_seconds:g} s.")
            await asyncio.sleep(PAUSE_SECONDS)
        return time.monotonic() - began

    async def _count(self, kind: str, order_id: str) -> int:
        page = await self.client.notifications(limit=100)
        return sum(one["type"] == kind and one["order_id"] == order_id for one in page["data"])


@asynccontextmanager
async def traveller(url: str, name: str, role: str, patience_seconds: float) -> AsyncIterator[Traveller]:
    """Somebody who has just signed up and in, and signs out at the end."""
    async with MarketplaceClient(url, patience_seconds) as client:
        email, password = f"demo-{role}-{secrets.token_hex(6)}@demo.example", secrets.token_urlsafe(24)
        await client.register_account(email, password, name)
        await client.sign_in(email, password)
        yield Traveller(name, role, client, patience_seconds)
        await client.sign_out()
