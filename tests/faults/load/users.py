"""People of the fault laboratory: each act is one request, noted in the request log."""

from random import Random
from typing import Any
from uuid import uuid4

from client import MarketplaceClient
from tests.faults.load.request_log import RequestLog

PASSWORD = "a long enough pass phrase, 7 cats"
PATIENCE_SECONDS = 120.0  # how long one request is repeated, with its key
PRICES = (4500, 5200, 6100)
Json = dict[str, Any]


class User:
    """Somebody signed in. An act answers what the API answered, None when it was refused or lost."""

    def __init__(self, url: str, request_log: RequestLog) -> None:
        self.client = MarketplaceClient(url, PATIENCE_SECONDS)
        self.request_log = request_log
        self.id = ""
        self.email = f"{uuid4().hex[:16]}@example.com"
        self.services: list[Json] = []

    async def arrive(self) -> None:
        """Signs up and in."""

        async def sign_up(mark: str, key: str) -> Any:
            return await self.client.register_account(self.email, PASSWORD, f"Zoë Øst {mark}", key=key)

        async def sign_in(_mark: str, key: str) -> Any:
            return await self.client.sign_in(self.email, PASSWORD, key=key)

        account = await self.request_log.attempt("account", sign_up)
        assert account is not None, "nobody could sign up"
        self.id = account["id"]
        assert await self.request_log.attempt("session", sign_in, self.id) is not None, "nobody could sign in"

    async def post_service(self) -> Json | None:
        """Offers something."""

        async def call(mark: str, key: str) -> Any:
            return await self.client.post_service(
                f"Proofreading {mark}",
                "I read your text twice and mark every slip, with a short note on style.",
                "writing",
                {"amount": PRICES[0], "currency": "EUR"},
                delivery_days=3,
                revisions=2,
                key=key,
            )

        service: Json | None = await self.request_log.attempt("service", call)
        if service is not None:
            self.services.append(service)
        return service

    async def edit_service(self, random: Random) -> None:
        """Describes one of the services anew, at a new price now and then."""
        if not self.services:
            return
        # Nobody else takes it meanwhile: two edits of one version would refuse each other.
        service = self.services.pop(random.randrange(len(self.services)))
        changes: Json = {"price": {**service["price"], "amount": random.choice(PRICES)}}
        await self.change_service(service, **(changes if random.random() < 0.5 else {}))

    async def change_service(self, service: Any, **changes: Any) -> Json | None:
        """Changes a service from the version that is given, and its description in any case."""

        async def call(mark: str, key: str) -> Any:
            described = f"I read your text twice, as I said in {mark}."
            return await self.client.change_service(service, key=key, description=described, **changes)

        edited: Json | None = await self.request_log.attempt("edit", call, service["id"])
        if edited is not None:  # else its version is not known any more
            self.services.append(edited)
        return edited

    async def order(self, service: Json, duplicates: int = 1) -> Json | None:
        """Orders a service at the price that was seen, which the requirements say too."""
        price = service["price"]

        async def call(mark: str, key: str) -> Any:
            words = f"Two pages for {price['amount']} {price['currency']}, please: {mark}"
            return await self.client.submit_order(service["id"], words, price, key=key)

        order: Json | None = await self.request_log.attempt("order", call, service["id"], duplicates)
        return order

    async def take_step(
        self, order_id: str, transition: str, to_status: int | None = None, duplicates: int = 1
    ) -> Json | None:
        """One transition of an order, with reason and note."""

        async def call(mark: str, key: str) -> Any:
            return await self.client.transition(
                order_id, transition, "Zażółć ☕", f"Said in {mark}.", to_status, key=key
            )

        order: Json | None = await self.request_log.attempt("transition", call, order_id, duplicates)
        return order

    async def write(self, order_id: str, duplicates: int = 1) -> None:
        """A message to the other party."""

        async def call(mark: str, key: str) -> Any:
            return await self.client.post_message(order_id, f"日本 {mark}", key=key)

        await self.request_log.attempt("message", call, order_id, duplicates)

    async def read_messages(self, order_id: str) -> None:
        """Reads the thread and marks it read."""
        page = await self.request_log.read(self.client.messages(order_id))
        if page and page["data"]:
            await self.request_log.read(self.client.mark_messages_read(order_id, page["data"][0]["id"]))

    async def rename(self) -> None:
        """Takes another display name."""

        async def call(mark: str, key: str) -> Any:
            return await self.client.change_me(key=key, display_name=f"Łukasz 明 {mark}")

        await self.request_log.attempt("rename", call, self.id)

    async def review(self, order_id: str, stars: int, duplicates: int = 1) -> Json | None:
        """Reviews a completed order."""

        async def call(mark: str, key: str) -> Any:
            return await self.client.submit_review(order_id, stars, f"As agreed in {mark}.", key=key)

        review: Json | None = await self.request_log.attempt("review", call, order_id, duplicates)
        return review

    async def rate_again(self, review_id: str, stars: int) -> None:
        """Gives other stars."""

        async def call(_mark: str, _key: str) -> Any:
            return await self.client.change_review(review_id, rating=stars)

        await self.request_log.attempt("rating", call, review_id)

    async def pay(self, order_id: str, method: str, duplicates: int = 1) -> Json | None:
        """Pays a completed order."""

        async def call(_mark: str, key: str) -> Any:
            return await self.client.pay_order(order_id, method, key=key)

        payment: Json | None = await self.request_log.attempt("payment", call, order_id, duplicates)
        return payment

    async def refund(self, payment_id: str, duplicates: int = 1) -> None:
        """Gives a little of a payment back."""

        async def call(mark: str, key: str) -> Any:
            amount: Any = {"amount": 100, "currency": "EUR"}
            return await self.client.refund_payment(payment_id, f"As said in {mark}.", amount, key=key)

        await self.request_log.attempt("refund", call, payment_id, duplicates)

    async def pay_out(self, duplicates: int = 1) -> None:
        """Has a little of what is available paid out."""
        balance = await self.request_log.read(self.client.balance())
        rich = [money for money in (balance or {"available": []})["available"] if money["amount"] >= 1000]

        async def call(_mark: str, key: str) -> Any:
            amount: Any = {"amount": 10, "currency": rich[0]["currency"]}
            return await self.client.request_payout(amount, key=key)

        if rich:
            await self.request_log.attempt("payout", call, self.id, duplicates)

    async def reply(self, review_id: str) -> None:
        """Answers a review."""

        async def call(mark: str, key: str) -> Any:
            return await self.client.reply_to_review(review_id, f"Thank you for {mark}!", key=key)

        await self.request_log.attempt("reply", call, review_id)
