"""Load: seeded people who order, talk, agree, quarrel and review until they are stopped."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from random import Random
from types import TracebackType
from typing import Any, Self

from tests.faults.load.request_log import RequestLog
from tests.faults.load.users import Json, User

USERS, JOURNEYS = 4, 4
FINAL = (4, 7)
DUPLICATES = 0.1  # of the acts are sent twice at once
# Who may try what at a status, and how often relative to the others (domain.md).
STEPS: dict[int, list[tuple[str, str, int]]] = {
    1: [("provider", "approve", 12), ("provider", "decline", 1), ("customer", "withdraw", 1)],
    2: [
        ("provider", "complete_work", 16),
        ("customer", "cancel", 1),
        ("provider", "cancel", 1),
        ("customer", "open_dispute", 1),
    ],
    3: [
        ("customer", "confirm", 16),
        ("customer", "request_changes", 3),
        ("provider", "cancel", 1),
        ("provider", "open_dispute", 1),
    ],
}
METHODS = ("sandbox_ok", "sandbox_ok", "sandbox_timeout", "sandbox_late")
RACES = {
    1: [("provider", "approve"), ("customer", "withdraw"), ("provider", "decline")],
    2: [("provider", "complete_work"), ("customer", "cancel")],
    3: [("customer", "confirm"), ("customer", "request_changes")],
}


class Load:
    """Journeys that run inside a `with` block; the same seed makes the same people decide alike."""

    def __init__(self, url: str, request_log: RequestLog, random: Random, staff: User | None = None) -> None:
        self.request_log = request_log
        self.began_at = len(request_log.attempts)
        self._random = random
        self._staff = staff
        self._users = [User(url, request_log) for _ in range(USERS)]
        self._stopping = asyncio.Event()
        self._journeys: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        await asyncio.gather(*(user.arrive() for user in self._users))
        self._journeys = [
            asyncio.create_task(self._travel(Random(self._random.random()))) for _ in range(JOURNEYS)
        ]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        if error is not None:
            for journey in self._journeys:
                journey.cancel()
        ended = await asyncio.gather(*self._journeys, return_exceptions=True)
        for user in self._users:
            await user.client.close()
        for failure in ended:
            if error is None and isinstance(failure, BaseException):
                raise failure

    @property
    def attempted(self) -> int:
        """How many requests were begun."""
        return len(self.request_log.attempts) - self.began_at

    @property
    def acknowledged(self) -> int:
        """How many were answered with a 2xx."""
        return self.request_log.count("acknowledged", self.began_at)

    async def progress(self, more: int, within: float = 300.0) -> None:
        """Waits until so many more requests are acknowledged; a journey that broke fails here."""
        wanted, give_up_at = self.acknowledged + more, time.monotonic() + within
        while self.acknowledged < wanted:
            assert time.monotonic() < give_up_at, f"{self.acknowledged} of {wanted} acknowledged"
            for journey in self._journeys:
                if journey.done():
                    journey.result()
            await asyncio.sleep(0.05)

    async def _travel(self, random: Random) -> None:
        while not self._stopping.is_set():
            customer, provider = random.sample(self._users, 2)
            service = await self._choose_service(provider, random)
            order = service and await customer.order(service, self._duplicates(random))
            if order:
                await Journey(customer, provider, self._staff, order, random, self._stopping).go()

    async def _choose_service(self, provider: User, random: Random) -> Json | None:
        if not provider.services or random.random() < 0.2:
            return await provider.post_service()
        return random.choice(provider.services)

    def _duplicates(self, random: Random) -> int:
        return 2 if random.random() < DUPLICATES else 1


class Journey:
    """One order from its submission to its end."""

    def __init__(
        self,
        customer: User,
        provider: User,
        staff: User | None,
        order: Json,
        random: Random,
        stopping: asyncio.Event,
    ) -> None:
        self._parties = {"customer": customer, "provider": provider}
        self._staff, self._random, self._stopping = staff, random, stopping
        self._id: str = order["id"]
        self._order: Json | None = order

    async def go(self) -> None:
        """Acts until the order is closed or everything stops."""
        actions: list[tuple[Callable[[], Awaitable[Any]], int]] = [
            (self._step, 12),
            (self._race, 2),
            (self._talk, 5),
            (self._read, 3),
            (self._change_something, 2),
        ]
        while not self._stopping.is_set():
            if self._order is None:
                await self._poll()
            elif self._order["status"] in FINAL:
                await self._finish()
                return
            else:
                [action] = self._random.choices(
                    [action for action, _ in actions], weights=[weight for _, weight in actions]
                )
                await action()

    async def _poll(self) -> None:
        self._order = await self._customer.request_log.read(self._customer.client.order(self._id))

    async def _step(self) -> None:
        assert self._order is not None
        if self._order["disputed"]:
            await self._settle_dispute()
            return
        steps = STEPS[self._order["status"]]
        [(role, transition, _)] = self._random.choices(steps, weights=[weight for *_, weight in steps])
        if transition == "open_dispute" and self._staff is None:
            return
        self._order = await self._parties[role].take_step(self._id, transition, duplicates=self._duplicates())

    async def _settle_dispute(self) -> None:
        assert self._staff is not None
        to_status = self._random.choice((2, 4, 7))
        self._order = await self._staff.take_step(self._id, "resolve_dispute", to_status)

    async def _race(self) -> None:
        assert self._order is not None
        if self._order["disputed"]:
            return
        tries = RACES[self._order["status"]]
        await asyncio.gather(*(self._parties[role].take_step(self._id, step) for role, step in tries))
        self._order = None

    async def _talk(self) -> None:
        await self._someone.write(self._id, self._duplicates())

    async def _read(self) -> None:
        await self._someone.read_messages(self._id)

    async def _change_something(self) -> None:
        if self._random.random() < 0.5:
            await self._someone.rename()
        else:
            await self._provider.edit_service(self._random)

    async def _finish(self) -> None:
        assert self._order is not None
        if self._order["status"] == 4:
            await self._settle()
            stars = self._random.randint(1, 5)
            review = await self._customer.review(self._id, stars, self._duplicates())
            if review is not None:
                await self._provider.reply(review["id"])
                await self._customer.rate_again(review["id"], 1 + stars % 5)
        await self._talk()

    async def _settle(self) -> None:
        payment = await self._customer.pay(self._id, self._random.choice(METHODS), self._duplicates())
        if payment is not None and payment["status"] == "paid" and self._random.random() < 0.5:
            await self._provider.refund(payment["id"], self._duplicates())
        await self._provider.pay_out(self._duplicates())

    @property
    def _customer(self) -> User:
        return self._parties["customer"]

    @property
    def _provider(self) -> User:
        return self._parties["provider"]

    @property
    def _someone(self) -> User:
        return self._random.choice(list(self._parties.values()))

    def _duplicates(self) -> int:
        return 2 if self._random.random() < DUPLICATES else 1
