"""An embedded marketplace full of the longest texts, and the accounts that own them."""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from client.resources import Money
from tests.embedded.dev_process import DevProcess
from tests.fuzz.blocking_log import BLOCKING_LOG
from tests.website.support.market import UNLIMITED, Market, Person

PRICE = Money(amount=4500, currency="EUR")
SERVICES, ORDERS, MESSAGES, AT_ONCE = 100, 20, 100, 8
AWKWARD = "<&\"'\N{GRINNING FACE}明é "  # markup, four bytes, three, two, one


def long_text(length: int) -> str:
    """Returns a text of exactly that length that is slow to render."""
    return (AWKWARD * (length // len(AWKWARD) + 1))[: length - 1] + "."


class MeasuredProcess(DevProcess):
    """The marketplace, with its event loop measured."""

    module = "tests.fuzz.measured_process"

    def __init__(self, folder: Path, **environment: str) -> None:
        self._blocking_log = folder / "blocking_log"
        self._blocking_log.touch()
        super().__init__(folder, **{BLOCKING_LOG: str(self._blocking_log), **environment})

    def blocked(self, since: int) -> tuple[list[tuple[float, str]], int]:
        """Returns what blocked the loop since an offset in the log, and the next offset."""
        written = self._blocking_log.read_bytes()
        lines = map(json.loads, written[since:].splitlines())
        return [(line["seconds"], line["callback"]) for line in lines], len(written)


class FullMarket(Market):
    """A marketplace whose lists fill a page with entries of the maximum length."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.measured = self.process = MeasuredProcess(folder, **UNLIMITED)

    def __enter__(self) -> Self:
        super().__enter__()
        try:
            self.provider = self.person(long_name("P"))
            self.customer = self.person(long_name("C"))
            self.staff = self.person("Stella", is_staff=True)
            self.leaver = self.person("Leo")
            self.ids = self.ask(self._fill())
        except BaseException:
            self.__exit__()
            raise
        return self

    def token(self, person: Person) -> str:
        """Returns an access token that is still valid."""
        session = person.api.session
        assert session is not None
        return session["access_token"]

    async def _fill(self) -> dict[str, str]:
        services = await _all([self._post_service() for _ in range(SERVICES)])
        orders = await _all([self._order(services[0]) for _ in range(ORDERS)])
        open_order, done = orders[0], orders[-1]
        await _all([self._say(open_order, person) for person in self.parties * (MESSAGES // 2)])
        payment, review = await self._complete(done)
        return {
            "account_id": self.provider.id,
            "service_id": services[0],
            "order_id": open_order,
            "done_order_id": done,
            "payment_id": payment,
            "review_id": review,
            "notification_id": (await self.provider.api.notifications())["data"][0]["id"],
            "month": f"{datetime.now(UTC):%Y-%m}",
        }

    @property
    def parties(self) -> list[Person]:
        """Returns provider and customer."""
        return [self.provider, self.customer]

    async def _post_service(self) -> str:
        title, description = long_text(120), long_text(5000)
        posted = await self.provider.api.post_service(title, description, "writing", PRICE, 90, 10)
        return posted["id"]

    async def _order(self, service_id: str) -> str:
        return (await self.customer.api.submit_order(service_id, long_text(4000)))["id"]

    async def _say(self, order_id: str, person: Person) -> None:
        await person.api.post_message(order_id, long_text(4000))

    async def _complete(self, order_id: str) -> tuple[str, str]:
        await self.provider.api.transition(order_id, "approve", note=long_text(4000))
        await self.provider.api.transition(order_id, "complete_work", note=long_text(4000))
        await self.customer.api.transition(order_id, "confirm")
        payment = await self.customer.api.pay_order(order_id, "sandbox_ok")
        review = await self.customer.api.submit_review(order_id, 5, long_text(2000))
        await self.provider.api.reply_to_review(review["id"], long_text(2000))
        return payment["id"], review["id"]


def long_name(first: str) -> str:
    """Returns a name of the maximum length."""
    return first + "明" * 79


async def _all(calls: Sequence[Any]) -> list[Any]:
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(call: Any) -> Any:
        async with slots:
            return await call

    return await asyncio.gather(*map(one, calls))
