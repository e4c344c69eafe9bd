"""The two parties of a journey: new accounts for each run, so that it can be repeated."""

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from client import MarketplaceClient

PAUSE_SECONDS = 0.1


class NotificationMissing(Exception):
    """A notification or a search result did not arrive in time; the text says which."""


@dataclass
class Participant:
    """One party of the journey, and how many notifications of each kind they should have by now."""

    name: str
    role: str
    client: MarketplaceClient
    patience_seconds: float
    _expected: Counter[tuple[str, str]] = field(default_factory=Counter)

    async def await_notification(self, kind: str, order_id: str) -> float:
        """Waits for one more notification of a kind about an order; returns the seconds it took.

        Raises: NotificationMissing.
        """
        began = time.monotonic()
        self._expected[kind, order_id] += 1
        while await self._count(kind, order_id) < self._expected[kind, order_id]:
            if time.monotonic() - began > self.patience_seconds:
                raise NotificationMissing(
                    f"{self.name} received no {kind} within {self.patience_seconds:g} s."
                )
            await asyncio.sleep(PAUSE_SECONDS)
        return time.monotonic() - began

    async def _count(self, kind: str, order_id: str) -> int:
        page = await self.client.notifications(limit=100)
        return sum(one["type"] == kind and one["order_id"] == order_id for one in page["data"])


@asynccontextmanager
async def signed_up_participant(
    url: str, name: str, role: str, patience_seconds: float
) -> AsyncIterator[Participant]:
    """Signs up and in as a new person; signs out at the end."""
    async with MarketplaceClient(url, patience_seconds) as client:
        email, password = f"demo-{role}-{secrets.token_hex(6)}@demo.example", secrets.token_urlsafe(24)
        await client.register_account(email, password, name)
        await client.sign_in(email, password)
        yield Participant(name, role, client, patience_seconds)
        await client.sign_out()
