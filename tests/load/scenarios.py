"""What is measured, each scenario a coroutine that returns a sample."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import uuid4

from tests.load.http_load import HttpRequest, Sample, generate_load
from tests.load.marketplace import Account, LoadMarketplace
from tests.load.reporting.report import Measurement

CONNECTIONS = 16
LIFECYCLES_AT_ONCE = 8
QUERIES = ("logo", "text", "shop", "three drafts", "files", "rounds", "changes", "design logo")


@dataclass
class Prepared:
    """Accounts and resources that scenarios use, and what was measured so far."""

    market: LoadMarketplace
    provider: Account
    customer: Account
    service_id: str
    order_id: str
    measurements: list[Measurement] = field(default_factory=list)
    facts: dict[str, float] = field(default_factory=dict)

    def place_order(self) -> HttpRequest:
        """A new order."""
        body = {"service_id": self.service_id, "requirements": "Black and white, please."}
        return self.customer.post("/v1/orders", body)


@asynccontextmanager
async def prepare(market: LoadMarketplace) -> AsyncIterator[Prepared]:
    """Two accounts, a service, and twenty orders of it."""
    try:
        provider, customer = await market.sign_up("Provider"), await market.sign_up("Customer")
        service_id = await market.post_service(provider)
        orders = [await customer.client.submit_order(service_id, "As agreed.") for _ in range(20)]
        yield Prepared(market, provider, customer, service_id, orders[0]["id"])
    finally:
        await market.close_clients()


Run = Callable[[Prepared, float], Awaitable[Sample]]


@dataclass(frozen=True)
class Scenario:
    """A name, what one operation is, and how to generate it for some seconds."""

    name: str
    operation: str
    run: Run


def _requests(next_request: Callable[[Prepared], HttpRequest]) -> Run:
    async def run(prepared: Prepared, seconds: float) -> Sample:
        return await generate_load(prepared.market.port, lambda: next_request(prepared), CONNECTIONS, seconds)

    return run


def browse() -> Run:
    """Searches that no cache has seen, service pages and profiles, as visitors mix them."""
    numbers = itertools.count()

    def next_request(prepared: Prepared) -> HttpRequest:
        number = next(numbers)
        query = QUERIES[number % len(QUERIES)].replace(" ", "+")
        paths = (
            f"/v1/services?q={query}&max_price={5000 + number}",
            f"/v1/services/{prepared.service_id}",
            f"/v1/profiles/{prepared.provider.id}",
            "/v1/services?limit=20",
        )
        return HttpRequest("GET", paths[number % len(paths)])

    return _requests(next_request)


async def lifecycle(prepared: Prepared, seconds: float) -> Sample:
    """Whole orders: submit, approve, complete, confirm, pay, review."""
    sample, began = Sample(), time.perf_counter()

    async def one_after_the_other() -> None:
        while (started := time.perf_counter()) < began + seconds:
            await whole_order(prepared)
            sample.latencies.append(time.perf_counter() - started)

    async with asyncio.TaskGroup() as group:
        for _ in range(LIFECYCLES_AT_ONCE):
            group.create_task(one_after_the_other())
    sample.seconds = time.perf_counter() - began
    return sample


async def whole_order(prepared: Prepared) -> str:
    """Submits, approves, completes, confirms, pays and reviews one order; returns its id."""
    customer, provider = prepared.customer.client, prepared.provider.client
    order = await customer.submit_order(prepared.service_id, f"As agreed, {uuid4().hex}.")
    await provider.transition(order["id"], "approve")
    await provider.transition(order["id"], "complete_work")
    await customer.transition(order["id"], "confirm")
    await customer.pay_order(order["id"], "sandbox_ok")
    await customer.submit_review(order["id"], 5, "Well done.")
    return order["id"]


HEALTH_CHECK = Scenario("health check", "GET", _requests(lambda p: HttpRequest("GET", "/healthz")))
CACHED_READ = Scenario(
    "cached read", "GET service", _requests(lambda p: HttpRequest("GET", f"/v1/services/{p.service_id}"))
)
BROWSE = Scenario("browse", "GET", browse())
READ_ORDER = Scenario(
    "read order", "GET order", _requests(lambda p: p.customer.get(f"/v1/orders/{p.order_id}"))
)
LIST_ORDERS = Scenario(
    "list orders", "GET 20 orders", _requests(lambda p: p.customer.get("/v1/orders?role=customer"))
)
PLACE_ORDER = Scenario("place order", "POST order", _requests(Prepared.place_order))
CHAT = Scenario(
    "chat",
    "POST message",
    _requests(lambda p: p.customer.post(f"/v1/orders/{p.order_id}/messages", {"body": "Any news?"})),
)
LIFECYCLE = Scenario("lifecycle", "whole order", lifecycle)

SCENARIOS = (HEALTH_CHECK, CACHED_READ, BROWSE, READ_ORDER, LIST_ORDERS, PLACE_ORDER, CHAT, LIFECYCLE)


@dataclass(frozen=True)
class CheapCalls:
    """So many reads, of an order and of its messages in turns."""

    count: int

    async def run(self, prepared: Prepared) -> Sample:
        """Sends them over the usual number of connections. Raises: RuntimeError when one is refused."""
        order = f"/v1/orders/{prepared.order_id}"
        turns = itertools.cycle((prepared.customer.get(order), prepared.customer.get(f"{order}/messages")))
        sample = await generate_load(
            prepared.market.port, lambda: next(turns), CONNECTIONS, requests=self.count
        )
        if sample.errors:
            raise RuntimeError(f"calls were refused: {sample.errors}")
        return sample
