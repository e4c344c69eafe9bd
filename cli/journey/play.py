"""The journey: every status, every party's steps, messages and notifications on the way."""

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from cli.journey.people import PAUSE_SECONDS, NotificationMissing, Participant, signed_up_participant
from client import Problem
from client.resources import Order, Service

CUSTOMER_NAME, PROVIDER_NAME = "Rosa", "Tomás"
CUSTOMER, PROVIDER = "customer", "provider"
PRICE_MINOR, CURRENCY, PRICE = 4500, "EUR", "45.00 EUR"
METHOD = "sandbox_ok"
DESCRIPTIONS = {
    "approve": "approves the order",
    "complete_work": "completes the work",
    "request_changes": "asks for changes",
    "confirm": "confirms the work",
    "decline": "declines the order",
}


@dataclass(frozen=True)
class Step:
    """One thing that happened; `told` was notified of it (`notification`) after so many seconds."""

    who: str
    role: str
    did: str
    status: int | None = None
    label: str | None = None
    told: str | None = None
    notification: str | None = None
    seconds: float | None = None


Show = Callable[[Step], None]


async def play(url: str, patience_seconds: float, show: Show) -> None:
    """Plays the whole journey at a gateway; `show` is called as each step has happened.

    What it leaves behind are two accounts and two finished orders; the service is archived.
    Raises: Problem, Unreachable, NotificationMissing.
    """
    async with (
        signed_up_participant(url, CUSTOMER_NAME, CUSTOMER, patience_seconds) as customer,
        signed_up_participant(url, PROVIDER_NAME, PROVIDER, patience_seconds) as provider,
    ):
        await Journey(customer, provider, show).play()


class Journey:
    """The steps of the journey between two parties."""

    def __init__(self, customer: Participant, provider: Participant, show: Show) -> None:
        self._customer = customer
        self._provider = provider
        self._show = show

    async def play(self) -> None:
        """From sign-up to the review; then an order that is declined."""
        for person in (self._customer, self._provider):
            self._show_step(person, "signs up and in")
        service = await self._offer()
        order = await self._completed(await self._ordered(service))
        await self._reviewed(order)
        await self._paid(order)
        await self._declined(await self._ordered(service))
        await self._read(self._customer)
        await self._provider.client.archive_service(await self._provider.client.service(service["id"]))
        self._show_step(self._provider, "takes the service off the market")

    async def _offer(self) -> Service:
        word = f"demo{secrets.token_hex(4)}"
        service = await self._provider.client.post_service(
            f"Proofreading {word}",
            "Your text is read twice and every slip is marked, with a short note on style.",
            category="writing",
            price={"amount": PRICE_MINOR, "currency": CURRENCY},
            delivery_days=3,
            revisions=2,
        )
        self._show_step(self._provider, f"posts “{service['title']}” for {PRICE}")
        await self._until_found(word)
        self._show_step(self._customer, "finds it by a word of its title")
        return service

    async def _until_found(self, word: str) -> None:
        give_up_at = time.monotonic() + self._customer.patience_seconds
        while not (await self._customer.client.search_services(q=word))["data"]:
            if time.monotonic() > give_up_at:
                raise NotificationMissing(f"The search does not find {word}.")
            await asyncio.sleep(PAUSE_SECONDS)

    async def _ordered(self, service: Service) -> Order:
        order = await self._customer.client.submit_order(
            service["id"], "Two pages, please.", service["price"]
        )
        await self._show_notified(self._customer, "orders it", order, "order_submitted")
        return order

    async def _completed(self, order: Order) -> Order:
        customer, provider = self._customer, self._provider
        await self._write(provider, order, "By when do you need it?")
        await self._step(provider, order, "approve", "order_approved")
        await self._write(customer, order, "By Friday. Thank you!")
        await self._step(provider, order, "complete_work", "work_completed", note="Here it is.")
        await self._write(customer, order, "I am looking at it.")
        await self._step(customer, order, "request_changes", "changes_requested", reason="One slip is left.")
        await self._step(provider, order, "complete_work", "work_completed", note="Now it is right.")
        return await self._step(customer, order, "confirm", "order_completed")

    async def _reviewed(self, order: Order) -> None:
        customer, provider = self._customer, self._provider
        review = await customer.client.submit_review(order["id"], 5, "Careful and quick.")
        await self._show_notified(customer, "reviews: 5 stars", order, "review_submitted")
        await provider.client.reply_to_review(review["id"], "A pleasure.")
        await self._show_notified(provider, "replies to the review", order, "review_replied")
        await self._write(customer, order, "I will come again.")
        shown = await customer.client.profile_reviews(order["provider"]["id"])
        self._show_step(customer, f"reads {len(shown['data'])} review on {provider.name}'s profile")
        history = (await customer.client.transitions(order["id"]))["data"]
        self._show_step(customer, f"reads the history: {', '.join(line['transition'] for line in history)}")

    async def _paid(self, order: Order) -> None:
        customer, provider = self._customer, self._provider
        try:
            payment = await customer.client.pay_order(order["id"], METHOD)
        except Problem as problem:
            if problem.code != "unknown_method":
                raise
            self._show_step(customer, "does not pay: real money is taken here", order)
            return
        await self._show_notified(customer, f"pays {PRICE}", order, "payment_paid")
        receipt = await customer.client.receipt(payment["id"])
        self._show_step(customer, f"gets a receipt, a PDF of {len(receipt) // 1024} KiB")
        share = payment["provider_share"]["amount"]
        self._show_step(provider, f"has earned {share // 100}.{share % 100:02} {CURRENCY}")

    async def _declined(self, order: Order) -> None:
        await self._step(self._provider, order, "decline", "order_declined", reason="Booked out this week.")
        await self._write(self._customer, order, "Then next week!")

    async def _read(self, who: Participant) -> None:
        count = await who.client.unread_count()
        await who.client.mark_all_read()
        self._show_step(who, f"marks all {count} notifications read")

    async def _step(
        self,
        who: Participant,
        order: Order,
        transition: str,
        notification: str,
        reason: str | None = None,
        note: str | None = None,
    ) -> Order:
        moved = await who.client.transition(order["id"], transition, reason, note)
        said = f": “{reason or note}”" if reason or note else ""
        await self._show_notified(who, f"{DESCRIPTIONS[transition]}{said}", moved, notification)
        return moved

    async def _write(self, who: Participant, order: Order, text: str) -> None:
        await who.client.post_message(order["id"], text)
        now = await who.client.order(order["id"])
        await self._show_notified(who, f"writes: “{text}”", now, "message_posted")

    async def _show_notified(self, who: Participant, did: str, order: Order, notification: str) -> None:
        other = self._provider if who is self._customer else self._customer
        seconds = await other.await_notification(notification, order["id"])
        self._show_step(who, did, order, other.name, notification, round(seconds, 2))

    def _show_step(
        self,
        who: Participant,
        did: str,
        order: Order | None = None,
        told: str | None = None,
        notification: str | None = None,
        seconds: float | None = None,
    ) -> None:
        status, label = (order["status"], order["status_label"]) if order else (None, None)
        self._show(Step(who.name, who.role, did, status, label, told, notification, seconds))
