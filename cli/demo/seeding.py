"""Telling the demo's stories to a running marketplace, through its public API and by its rules.

It can be interrupted at any point and begun again: what is there already is recognised, so nothing
is made twice.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from typing import TypeVar

from cli.demo.offers import Offer, offers
from cli.demo.people import EVERYBODY, PASSWORD, PROVIDERS, STAFF, Person
from cli.demo.stories import (
    BESIDE_THE_LIFECYCLE,
    CUSTOMER,
    MESSAGE,
    PAY,
    PROVIDER,
    REFUND,
    REPLY,
    REVIEW,
    Step,
    Story,
    stories,
)
from cli.demo.stories import STAFF as STAFF_STEP
from client import MarketplaceClient, Problem
from client.resources import Money, Order, Service

AT_ONCE = 4
PATIENCE_SECONDS = 90.0  # longer than a minute's window of a rate limit
EXPECTED = frozenset({"email_taken", "review_exists", "reply_exists", "already_paid", "payment_declined"})
REFUNDED_PART = 4
Thing = TypeVar("Thing")
Progress = Callable[[int, int], None]
GrantStaff = Callable[[str], Awaitable[None]]
Numbered = list[tuple[int, Step]]


@dataclass(frozen=True)
class Seeded:
    """What is there now."""

    people: int
    services: int
    orders: int


async def seed(
    base_url: str,
    progress: Progress,
    grant_staff: GrantStaff | None = None,
    patience_seconds: float = PATIENCE_SECONDS,
) -> Seeded:
    """Makes the demo's people, services and orders; `progress(done, of)` is called as it goes.

    Without `grant_staff`, which only an operator has, disputes stay open that staff would resolve.
    Raises: Problem, Unreachable.
    """
    async with AsyncExitStack() as stack:
        clients = {
            person.handle: await stack.enter_async_context(MarketplaceClient(base_url, patience_seconds))
            for person in EVERYBODY
        }
        return await Seeding(clients, progress, grant_staff).run()


class Seeding:
    """One run."""

    def __init__(
        self, clients: dict[str, MarketplaceClient], progress: Progress, grant_staff: GrantStaff | None
    ) -> None:
        self._clients = clients
        self._progress = progress
        self._grant_staff = grant_staff
        self._done = 0
        self._total = 1
        self._services: dict[str, Service] = {}
        self._known_orders: dict[tuple[str, str], Order] = {}

    async def run(self) -> Seeded:
        """People first, then services, then orders."""
        offered = offers()
        told = stories(offered)
        self._total = len(EVERYBODY) + len(offered) + len(told)
        await self._all(self._settle, EVERYBODY)
        await self._all(self._offer, offered)
        await self._all(self._tell, told)
        await self._pay_one_out()
        return Seeded(len(EVERYBODY), len(offered), len(told))

    async def _all(self, do: Callable[[Thing], Awaitable[None]], things: Iterable[Thing]) -> None:
        room = asyncio.Semaphore(AT_ONCE)

        async def one(thing: Thing) -> None:
            async with room:
                await do(thing)
            self._done += 1
            self._progress(self._done, self._total)

        try:
            async with asyncio.TaskGroup() as group:
                for thing in things:
                    group.create_task(one(thing))
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None  # the others are mostly the same

    async def _settle(self, person: Person) -> None:
        client = self._clients[person.handle]
        with _unless_done():
            await client.register_account(
                person.email, PASSWORD, person.display_name, key=f"demo {person.handle} account"
            )
        if person is STAFF and self._grant_staff is not None:
            await self._grant_staff(person.email)
        session = await client.sign_in(person.email, PASSWORD)
        if session["account"]["bio"] != person.bio:
            await client.change_me(key=f"demo {person.handle} bio", bio=person.bio)
        async for service in client.all_of("/v1/me/services"):
            self._services[service["title"]] = service
        async for order in client.all_of("/v1/orders", role="customer"):
            self._known_orders[person.handle, order["requirements"]] = order

    async def _offer(self, offer: Offer) -> None:
        if offer.title not in self._services:
            self._services[offer.title] = await self._clients[offer.provider].post_service(
                offer.title,
                offer.description,
                offer.category,
                offer.price,
                offer.delivery_days,
                offer.revisions,
                key=f"demo service {offer.title}",
            )

    async def _tell(self, story: Story) -> None:
        customer = self._clients[story.customer]
        order = self._known_orders.get((story.customer, story.requirements))
        steps = list(enumerate(story.steps))
        if order is None:
            service = self._services[story.offer.title]
            key = f"demo order {story.number}"
            order = await customer.submit_order(service["id"], story.requirements, service["price"], key=key)
        else:
            steps = await self._left_of(steps, customer, order)
        for number, step in steps:
            if step.who != STAFF_STEP or self._grant_staff is not None:
                await self._do(step, story, order, f"demo order {story.number} step {number}")

    async def _left_of(self, steps: Numbered, customer: MarketplaceClient, order: Order) -> Numbered:
        """The steps that an interrupted run did not come to."""
        transitions = [t async for t in customer.all_of(f"/v1/orders/{order['id']}/transitions")]
        messages = [m async for m in customer.all_of(f"/v1/orders/{order['id']}/messages")]
        done = {"transition": len(transitions) - 1, MESSAGE: len(messages)}
        left = []
        for number, step in steps:
            kind = step.what if step.what in BESIDE_THE_LIFECYCLE else "transition"
            if done.get(kind, 0) > 0:
                done[kind] -= 1
            else:
                left.append((number, step))
        return left

    async def _do(self, step: Step, story: Story, order: Order, key: str) -> None:
        handles = {CUSTOMER: story.customer, PROVIDER: story.offer.provider, STAFF_STEP: STAFF.handle}
        client = self._clients[handles[step.who]]
        with _unless_done():
            if step.what == MESSAGE:
                await client.post_message(order["id"], step.text or "", key=key)
            elif step.what == REVIEW:
                await client.submit_review(order["id"], step.stars, step.text, key=key)
            elif step.what == REPLY:
                review = await client.review(order["id"])
                await client.reply_to_review(review["id"], step.text or "", key=key)
            elif step.what == PAY:
                await client.pay_order(order["id"], step.text or "", key=key)
            elif step.what == REFUND:
                await _refund_part(client, order, step.text or "", key)
            elif step.what == "complete_work":
                await client.transition(order["id"], step.what, note=step.text, key=key)
            else:
                await client.transition(
                    order["id"], step.what, reason=step.text, to_status=step.to_status, key=key
                )

    async def _pay_one_out(self) -> None:
        """The first provider with available money asks for half of it, where shares are released."""
        for person in PROVIDERS:
            client = self._clients[person.handle]
            if (await client.payouts(limit=1))["data"]:
                return
            for money in (await client.balance())["available"]:
                if money["amount"] > 1:
                    half: Money = {**money, "amount": money["amount"] // 2}
                    await client.request_payout(half, key=f"demo {person.handle} payout")
                    return


async def _refund_part(client: MarketplaceClient, order: Order, reason: str, key: str) -> None:
    """Gives a part of what was paid back."""
    for payment in (await client.payments(order["id"]))["data"]:
        if payment["status"] == "paid":
            amount = payment["amount"]
            part: Money = {**amount, "amount": max(1, amount["amount"] // REFUNDED_PART)}
            await client.refund_payment(payment["id"], reason, part, key=key)


@contextmanager
def _unless_done() -> Iterator[None]:
    """Lets pass that something is there already, or that a story has it refused."""
    try:
        yield
    except Problem as problem:
        if problem.code not in EXPECTED:
            raise
