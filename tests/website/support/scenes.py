"""Orders in every state a page can show, made through the API."""

import asyncio
from dataclasses import dataclass
from uuid import uuid4

from client import Problem
from client.resources import Money, Order, Service
from tests.support.servers import eventually
from tests.website.support.market import Market, Person

PRICE = Money(amount=4500, currency="EUR")
REQUIREMENTS = "For a small bakery: calm, rather old-fashioned.\n\nKeep its name as it is: Hart & Crumb."


@dataclass(frozen=True)
class Step:
    """One act by the customer, the provider or staff; a transition unless it is one of the other words."""

    who: str
    what: str
    text: str | None = None
    to_status: int | None = None


APPROVED = (Step("provider", "approve"),)
DELIVERED = (
    *APPROVED,
    Step("provider", "complete_work", "Here it is: https://files.example/first-draft.pdf"),
)
COMPLETED = (*DELIVERED, Step("customer", "confirm"))
PAID = (*COMPLETED, Step("customer", "pay", "sandbox_ok"))
REVIEWED = (
    *PAID,
    Step("customer", "review", "Quick, precise and kind."),
    Step("provider", "reply", "Thank you! It was a pleasure."),
)
STATES: dict[str, tuple[Step, ...]] = {
    "pending": (),
    "order placed": APPROVED,
    "work completed": DELIVERED,
    "order completed": COMPLETED,
    "cancelled": (Step("provider", "decline", "I am away in these weeks, I am sorry."),),
    "changes requested": (*DELIVERED, Step("customer", "request_changes", "The name lacks its ampersand.")),
    "disputed": (*DELIVERED, Step("customer", "open_dispute", "This is not what we agreed on.")),
    "payment failed": (*COMPLETED, Step("customer", "pay", "sandbox_declined")),
    "payment waits": (*COMPLETED, Step("customer", "pay", "sandbox_action")),
    "paid": PAID,
    "reviewed": REVIEWED,
}
TALK = (
    ("customer", "Hello! Would Thursday be possible?"),
    ("provider", "Thursday it is.\nI send a draft before."),
)


@dataclass
class Scene:
    """A service, and the people around it."""

    market: Market
    customer: Person
    provider: Person
    staff: Person
    service: Service

    def order(self, *steps: Step, talk: bool = True) -> Order:
        """An order of the service that has gone through these steps."""
        return self.market.ask(self._play(steps, talk))

    def orders(self) -> dict[str, Order]:
        """An order in each of the states, by the state's name."""

        async def play() -> list[Order]:
            return await asyncio.gather(*(self._play(steps, True) for steps in STATES.values()))

        return dict(zip(STATES, self.market.ask(play()), strict=True))

    def wait_for_earnings(self) -> None:
        """Returns when the provider has money to be paid out, a moment after a payment."""

        def is_there() -> bool:
            balance = self.market.ask(self.provider.api.balance())
            return any(amount["amount"] > 0 for amount in balance["available"])

        eventually(is_there, 60, "earnings")

    async def _play(self, steps: tuple[Step, ...], talk: bool) -> Order:
        order = await self.customer.api.submit_order(self.service["id"], REQUIREMENTS)
        for who, text in TALK if talk else ():
            await self._role(who).api.post_message(order["id"], text)
        for step in steps:
            await self._act(order["id"], step)
        return await self.customer.api.order(order["id"])

    def _role(self, who: str) -> Person:
        return {"customer": self.customer, "provider": self.provider, "staff": self.staff}[who]

    async def _act(self, order_id: str, step: Step) -> None:
        api = self._role(step.who).api
        if step.what == "pay":
            try:
                await api.pay_order(order_id, step.text or "sandbox_ok")
            except Problem as problem:
                if problem.status != 402:
                    raise
        elif step.what == "review":
            await api.submit_review(order_id, 5, step.text)
        elif step.what == "reply":
            review = await api.review(order_id)
            await api.reply_to_review(review["id"], step.text or "")
        else:
            is_note = step.what == "complete_work"
            await api.transition(
                order_id,
                step.what,
                reason=None if is_note else step.text,
                note=step.text if is_note else None,
                to_status=step.to_status,
            )


def post_service(market: Market, provider: Person, title: str = "", status: str = "active") -> Service:
    """A service; without a title one with a word in it that no other has."""
    return market.ask(
        provider.api.post_service(
            title=title or f"Proofreading {uuid4().hex[:10]}",
            description="I read your text twice and mark every slip.\n\nA short note on style is included.",
            category="writing",
            price=PRICE,
            delivery_days=3,
            revisions=2,
            status="draft" if status == "draft" else "active",
        )
    )


def make_scene(market: Market) -> Scene:
    """Three new people and a service."""
    customer, provider = market.people("Carla Winter", "Pietro Amsel")
    staff = market.person("Sally Keeper", is_staff=True)
    return Scene(market, customer, provider, staff, post_service(market, provider))
