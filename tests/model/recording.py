"""A lively week of three people at the running marketplace, and every event it left in the outboxes."""

from contextlib import closing
from typing import Any

import psycopg2

from client import MarketplaceClient
from client.resources import Order, Service
from kit.settings import Settings
from tests.journeys import walk
from tests.model.records import PublishedEvent

PUBLISHERS = ("accounts", "orders", "reviews")
LAST = "SELECT coalesce(max(id), 0) FROM outbox"
SINCE = "SELECT type, body FROM outbox WHERE id > %s ORDER BY id"


class Recorder:
    """Reads what the outboxes of a marketplace gain."""

    def __init__(self, servers: Settings) -> None:
        self._url = servers.database_url
        self._marks = {name: self._rows(name, LAST) for name in PUBLISHERS}

    def events(self) -> list[PublishedEvent]:
        """Everything recorded since, in the order in which it happened."""
        found = [
            PublishedEvent(name, type_, body)
            for name, ((mark,),) in self._marks.items()
            for type_, body in self._rows(name, SINCE, mark)
        ]
        return sorted(found, key=lambda event: event.id)

    def _rows(self, service: str, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with closing(psycopg2.connect(self._url.replace("{service}", service))) as connection:
            cursor = connection.cursor()
            cursor.execute(query, values)
            return list(cursor.fetchall())


async def lively_week(url: str) -> None:
    """Orders that are completed, disputed, declined and withdrawn; reviews, replies and new names."""
    async with (
        walk.person(url, "Zoë Øst") as zoe,
        walk.person(url, "Ada") as ada,
        walk.person(url, "Łukasz 明") as provider,
    ):
        services = [await walk.post_service(provider) for _ in range(2)]
        await _complete_and_review(zoe, provider, services[0], 2)
        await provider.change_me(display_name="Łukasz the Reader")
        await _complete_and_review(ada, provider, services[0], 5)
        await ada.change_me(display_name="Ada B.")
        await _complete_and_review(ada, provider, services[1], 4)
        await _end_otherwise(zoe, provider, services[1])
        await zoe.change_me(display_name="Zoë West")


async def _complete_and_review(
    customer: MarketplaceClient, provider: MarketplaceClient, service: Service, stars: int
) -> None:
    order = await customer.submit_order(service["id"], "Two pages, please.")
    await _take(order, provider, "approve")
    await _take(order, provider, "complete_work")
    await _take(order, customer, "request_changes")
    await customer.post_message(order["id"], "One slip is left ☕")
    await _take(order, provider, "complete_work")
    await _take(order, customer, "confirm")
    review = await customer.submit_review(order["id"], stars, "Careful.")
    await customer.change_review(review["id"], rating=6 - stars)
    await provider.reply_to_review(review["id"], "Thank you!")


async def _end_otherwise(customer: MarketplaceClient, provider: MarketplaceClient, service: Service) -> None:
    for who, steps in ((provider, ["decline"]), (customer, ["withdraw"]), (provider, ["approve", "cancel"])):
        order = await customer.submit_order(service["id"], "And this one.")
        for transition in steps:
            await _take(order, who, transition)
    disputed = await customer.submit_order(service["id"], "The last one.")
    await _take(disputed, provider, "approve")
    await _take(disputed, customer, "open_dispute")


async def _take(order: Order, who: MarketplaceClient, transition: str) -> None:
    await who.transition(order["id"], transition, reason="Because.")
