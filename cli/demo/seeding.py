"""Telling the demo's stories to a running marketplace, through its public API and by its rules.

It can be interrupted at any point and begun again: what is there already is recognised, so nothing
is made twice.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from cli.demo.offers import Offer, offers
from cli.demo.people import EVERYBODY, PASSWORD, STAFF, Person
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
from client import MarketplaceClient, Problem, Unreachable
from client.resources import Money, Order, Payment, Service

AT_ONCE = 4
POLL_SECONDS = 1.0
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
        self._order_ids: dict[int, str] = {}  # by story

    async def run(self) -> Seeded:
        """People first, then services, then orders."""
        offered = offers()
        to_play = stories(offered)
        self._total = len(EVERYBODY) + len(offered) + len(to_play)
        await self._all(self._sign_up, EVERYBODY)
        await self._all(self._offer, offered)
        await self._all(self._play, to_play)
        await self._pay_one_out(to_play)
        return Seeded(len(EVERYBODY), len(offered), len(to_play))

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

    async def _sign_up(self, person: Person) -> None:
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

    async def _play(self, story: Story) -> None:
        customer = self._clients[story.customer]
        order = self._known_orders.get((story.customer, story.requirements))
        steps = list(enumerate(story.steps))
        if order is None:
            service = self._services[story.offer.title]
            key = f"demo order {story.number}"
            order = await customer.submit_order(service["id"], story.requirements, service["price"], key=key)
        else:
            steps = await self._left_of(steps, customer, order)
        self._order_ids[story.number] = order["id"]
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

    async def _pay_one_out(self, to_play: Iterable[Story]) -> None:
        """The provider of the first order that was paid asks for half of it as soon as it is released;
        where shares are held for days nobody waits for that."""
        story = next(story for story in to_play if _is_paid_in_full(story))
        client = self._clients[story.offer.provider]
        paid = await _paid(client, self._order_ids[story.number])
        if paid is None or not _is_released_soon(paid) or (await client.payouts(limit=1))["data"]:
            return
        share = paid["provider_share"]
        half: Money = {**share, "amount": share["amount"] // 2}
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while await _available(client, half["currency"]) < half["amount"]:
            if time.monotonic() > give_up_at:
                raise Unreachable(f"{story.offer.provider}'s share of an order was not released.")
            await asyncio.sleep(POLL_SECONDS)
        await client.request_payout(half, key=f"demo {story.offer.provider} payout")


def _is_paid_in_full(story: Story) -> bool:
    steps = [step.what for step in story.steps]
    return PAY in steps and REFUND not in steps


async def _paid(client: MarketplaceClient, order_id: str) -> Payment | None:
    """An order's payment that was made."""
    payments = (await client.payments(order_id))["data"]
    return next((payment for payment in payments if payment["status"] == "paid"), None)


def _is_released_soon(payment: Payment) -> bool:
    available_at = payment["available_at"]
    soon = datetime.now(UTC) + timedelta(seconds=PATIENCE_SECONDS)
    return available_at is not None and datetime.fromisoformat(available_at) <= soon


async def _available(client: MarketplaceClient, currency: str) -> int:
    """What somebody may have paid out now, in minor units."""
    available = (await client.balance())["available"]
    return sum(money["amount"] for money in available if money["currency"] == currency)


async def _refund_part(client: MarketplaceClient, order: Order, reason: str, key: str) -> None:
    """Gives a part of what was paid back."""
    payment = await _paid(client, order["id"])
    if payment is not None:
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
