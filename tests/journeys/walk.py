"""The whole journey of two people through the public client, checked at every step."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from client import MarketplaceClient, Problem
from client.resources import Order, Service

PASSWORD = "a long enough pass phrase, 7 cats"
PRICE = {"amount": 4500, "currency": "EUR"}
PATIENCE_SECONDS = 15.0
patience: ContextVar[float] = ContextVar("patience", default=PATIENCE_SECONDS)


async def wait_for(condition: Callable[[], Awaitable[Any]], what: str) -> Any:
    """Waits for the effect of an event, which arrives after the answer."""
    give_up_at = time.monotonic() + patience.get()
    while not (found := await condition()):
        assert time.monotonic() < give_up_at, f"never arrived: {what}"
        await asyncio.sleep(0.1)
    return found


@asynccontextmanager
async def person(
    url: str, name: str, patience_seconds: float | None = None
) -> AsyncIterator[MarketplaceClient]:
    """Somebody who has just signed up and in, and repeats requests for so long (0: never)."""
    async with MarketplaceClient(
        url, patience.get() if patience_seconds is None else patience_seconds
    ) as client:
        email = f"{uuid4().hex[:16]}@example.com"
        await client.register_account(email, PASSWORD, name)
        await client.sign_in(email, PASSWORD)
        yield client


async def refused(attempt: Awaitable[Any]) -> Problem:
    """The problem an attempt meets; it must meet one."""
    try:
        answer = await attempt
    except Problem as problem:
        return problem
    raise AssertionError(f"was allowed: {answer}")


async def post_service(provider: MarketplaceClient) -> Service:
    """A service with a word in its title that no other has."""
    word = uuid4().hex[:10]
    return await provider.post_service(
        title=f"Proofreading {word}",
        description="I read your text twice and mark every slip, with a short note on style.",
        category="writing",
        price={"amount": 4500, "currency": "EUR"},
        delivery_days=3,
        revisions=2,
    )


@dataclass
class Walk:
    """One order on its way, and the two people it belongs to."""

    customer: MarketplaceClient
    provider: MarketplaceClient
    order: Order
    written: int = 0

    async def talk(self) -> None:
        """Both write on the order, whatever its status, and both are notified."""
        for author, reader in ((self.customer, self.provider), (self.provider, self.customer)):
            text = f"Zażółć ☕ 日本: message {self.written} at status {self.order['status']}"
            message = await author.post_message(self.order["id"], text)
            self.written += 1
            thread = await reader.messages(self.order["id"])
            assert (thread["data"][0]["body"], thread["data"][0]["id"]) == (text, message["id"])
            await self.expect_notification(reader, "message_posted", self._messages_to_each())

    def _messages_to_each(self) -> int:
        return (self.written + 1) // 2

    async def step(
        self,
        who: MarketplaceClient,
        transition: str,
        status: int,
        reason: str | None = None,
        note: str | None = None,
    ) -> None:
        """One transition, allowed only to the one who may, seen the same by both."""
        assert transition in (await who.order(self.order["id"]))["available_transitions"]
        self.order = await who.transition(self.order["id"], transition, reason, note)
        assert self.order["status"] == status
        for reader in (self.customer, self.provider):
            assert (await reader.order(self.order["id"]))["status"] == status

    async def expect_notification(self, who: MarketplaceClient, kind: str, times: int = 1) -> None:
        """Waits for exactly so many notifications of a kind about this order."""

        async def count() -> bool:
            found = [n async for n in who.all_of("/v1/notifications")]
            about = [n for n in found if n["type"] == kind and n["order_id"] == self.order["id"]]
            assert len(about) <= times, f"{kind} sent {len(about)} times"
            return len(about) == times

        await wait_for(count, f"{times} × {kind}")


async def begin(customer: MarketplaceClient, provider: MarketplaceClient) -> Walk:
    """Post, find, order."""
    service = await post_service(provider)
    word = service["title"].split()[-1]

    async def search() -> Any:
        return (await customer.search_services(q=word))["data"]

    found = await wait_for(search, "the service in the search")
    assert [s["id"] for s in found] == [service["id"]]
    order = await customer.submit_order(service["id"], "Two pages, please.", service["price"])
    assert (order["status"], order["status_name"], order["payment_status"]) == (1, "pending", "not_due")
    assert order["price"] == PRICE
    return Walk(customer, provider, order)


async def to_completion(walk: Walk) -> None:
    """From pending to completed, through a request for changes, with talk at every stage."""
    customer, provider = walk.customer, walk.provider
    await walk.expect_notification(provider, "order_submitted")
    await walk.talk()
    assert (await refused(customer.transition(walk.order["id"], "approve"))).status == 403
    assert (await refused(provider.transition(walk.order["id"], "complete_work"))).status == 409
    await walk.step(provider, "approve", 2)
    await walk.expect_notification(customer, "order_approved")
    await walk.talk()
    await walk.step(provider, "complete_work", 3, note="First version.")
    await walk.expect_notification(customer, "work_completed")
    await walk.talk()
    await walk.step(customer, "request_changes", 2, reason="One slip is left.")
    await walk.expect_notification(provider, "changes_requested")
    await walk.step(provider, "complete_work", 3, note="Second version.")
    await walk.expect_notification(customer, "work_completed", 2)
    problem = await refused(customer.submit_review(walk.order["id"], 5))
    assert (problem.status, problem.code) == (409, "order_not_completed")
    await walk.step(customer, "confirm", 4)
    assert walk.order["payment_status"] == "due"


async def after_completion(walk: Walk) -> None:
    """Review, reply, the profile and the service show it; talk goes on."""
    customer, provider = walk.customer, walk.provider
    assert provider.session is not None
    # In the same second as the confirmation: its event may still be on its way to reviews.
    review = await customer.submit_review(walk.order["id"], 4, "Careful and quick.")
    await walk.expect_notification(provider, "order_completed")
    await walk.expect_notification(provider, "review_submitted")
    again = await refused(customer.submit_review(walk.order["id"], 5))
    assert (again.status, again.code) == (409, "review_exists")
    replied = await provider.reply_to_review(review["id"], "Thank you!")
    assert replied["reply"]
    await walk.expect_notification(customer, "review_replied")
    await walk.talk()
    await shows_rating(walk, provider.session["account"]["id"])
    assert [t["transition"] async for t in customer.all_of(f"/v1/orders/{walk.order['id']}/transitions")] == [
        "submit", "approve", "complete_work", "request_changes", "complete_work", "confirm",
    ]  # fmt: skip
    assert walk.order["id"] in [o["id"] for o in (await customer.orders("customer", status="4"))["data"]]


async def shows_rating(walk: Walk, provider_id: str) -> None:
    """The rating reaches profile and service, and the review the public list."""

    async def profile_is_right() -> bool:
        profile = await walk.customer.profile(provider_id)
        return profile["rating"] == {"average": 4.0, "count": 1} and profile["completed_orders"] == 1

    async def service_is_right() -> bool:
        service = await walk.customer.service(walk.order["service"]["id"])
        return service["rating"] == {"average": 4.0, "count": 1}

    await wait_for(profile_is_right, "rating and completed orders on the profile")
    await wait_for(service_is_right, "rating on the service")
    reviews = (await walk.customer.profile_reviews(provider_id))["data"]
    assert [r["rating"] for r in reviews] == [4]


async def whole_journey(url: str, patience_seconds: float | None = None) -> None:
    """Two people, one order, from sign-up to the rating on the profile and the money."""
    from tests.journeys.paying import paid  # which stands on this module

    async with (
        person(url, "Zoë Øst", patience_seconds) as customer,
        person(url, "Łukasz 明", patience_seconds) as provider,
    ):
        walk = await begin(customer, provider)
        await to_completion(walk)
        await after_completion(walk)
        await paid(walk)


async def cancelled_journey(url: str) -> None:
    """A declined order: nobody reviews it, but both may still talk."""
    async with person(url, "Zoë Øst") as customer, person(url, "Łukasz 明") as provider:
        walk = await begin(customer, provider)
        assert (await refused(provider.transition(walk.order["id"], "decline"))).code == "reason_required"
        await walk.step(provider, "decline", 7, reason="Booked out.")
        await walk.expect_notification(customer, "order_declined")
        await walk.talk()
        assert (await customer.order(walk.order["id"]))["available_transitions"] == []
        problem = await refused(customer.submit_review(walk.order["id"], 1))
        assert (problem.status, problem.code) == (409, "order_not_completed")
