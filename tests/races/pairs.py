"""A customer and a provider who race, round after round, with an order of their own each time."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from client import MarketplaceClient
from client.resources import Order, Service
from tests.journeys import walk
from tests.races.race import Contender, open_connections

ROUNDS_PER_PAIR = 15  # so that nobody reaches the limit of requests per minute
CONNECTIONS = 16
REASON = "Because."
NEEDS_REASON = {"decline", "cancel", "request_changes"}
WAY = (("provider", "approve"), ("provider", "complete_work"), ("customer", "confirm"))


@dataclass
class Pair:
    """Two people and the service that one of them offers."""

    customer: MarketplaceClient
    provider: MarketplaceClient
    service: Service

    def of(self, role: str) -> MarketplaceClient:
        """One of the two."""
        return self.customer if role == "customer" else self.provider

    async def order_at(self, status: int) -> Order:
        """A new order at status 1, 2, 3 or 4."""
        order = await self.customer.submit_order(self.service["id"], "Two pages, please.")
        for role, transition in WAY[: status - 1]:
            order = await self.of(role).transition(order["id"], transition)
        return order

    def transition(self, order: Order, role: str, transition: str) -> Contender:
        """Returns a contender that requests a transition."""
        body = {"transition": transition} | ({"reason": REASON} if transition in NEEDS_REASON else {})
        return self.post(role, transition, f"/v1/orders/{order['id']}/transitions", body)

    def post(
        self, role: str, name: str, path: str, body: Any, key: str | None = None, **headers: str
    ) -> Contender:
        """Returns a contender that posts under a key of its own, unless one is given."""
        sent = {"Idempotency-Key": key or str(uuid4()), **headers}
        return Contender(name, self.of(role), "POST", path, body, sent)


@asynccontextmanager
async def new_pair(url: str) -> AsyncIterator[Pair]:
    """Two people who have just signed up, with open connections."""
    async with walk.person(url, "Zoë Øst") as customer, walk.person(url, "Łukasz 明") as provider:
        service = await walk.post_service(provider)
        await open_connections(customer, CONNECTIONS)
        await open_connections(provider, CONNECTIONS)
        yield Pair(customer, provider, service)


def parts(rounds: int) -> Iterator[int]:
    """The rounds that each pair runs."""
    while rounds > 0:
        yield min(rounds, ROUNDS_PER_PAIR)
        rounds -= ROUNDS_PER_PAIR
