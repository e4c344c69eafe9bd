"""Ordering goes on without catalog, and at no price that a customer did not see while its events wait."""

import asyncio
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg2
import pytest

from client import Problem
from tests.faults.load.users import PRICES, Json, User
from tests.faults.support.laboratory import Laboratory, Scene
from tests.faults.support.marketplace import Marketplace

ORDERS_PLACED = 15
SEEN_SECONDS = 60.0


class Shop:
    """A provider whose service orders knows, and a customer."""

    def __init__(self, scene: Scene) -> None:
        self._marketplace = scene.marketplace
        self.provider, self.customer = (User(scene.marketplace.url, scene.load.request_log) for _ in range(2))
        self.service: Json = {}

    async def open(self) -> None:
        """Both sign up, the provider posts a service, and orders stores its offer."""
        await asyncio.gather(self.provider.arrive(), self.customer.arrive())
        service = await self.provider.post_service()
        assert service is not None
        self.service = service
        async with asyncio.timeout(SEEN_SECONDS):
            while not await asyncio.to_thread(self.stored_price):
                await asyncio.sleep(0.05)

    async def close(self) -> None:
        """Both leave."""
        await asyncio.gather(self.provider.client.close(), self.customer.client.close())

    def stored_price(self) -> int | None:
        """What the service costs as far as orders knows."""
        query = f"SELECT price_minor FROM offers WHERE service_id = '{self.service['id']}'"
        with self._marketplace.reading() as databases:
            return next((price for (price,) in databases.rows("orders", query)), None)

    async def change_price(self, amount: int) -> Json:
        """The provider asks another price; returns the service as it was before."""
        before, price = self.service, {**self.service["price"], "amount": amount}
        changed = await self.provider.change_service(before, price=price)
        assert changed is not None
        self.service = changed
        return before

    async def refused_price(self, amount: int) -> Any:
        """Orders at a price that nobody offers; returns the `current_price` of the refusal."""
        price: Any = {**self.service["price"], "amount": amount}
        with pytest.raises(Problem) as refused:
            await self.customer.client.submit_order(self.service["id"], "Two pages.", price, key="refused")
        assert refused.value.code == "price_changed"
        return refused.value.body["current_price"]["amount"]


async def _order_without_catalog(scene: Scene) -> None:
    """Every process of catalog is killed and stays down; what orders knows can be ordered."""
    shop = Shop(scene)
    await shop.open()
    catalogs = scene.marketplace.stack.of("catalog")
    for process in catalogs:
        scene.marketplace.supervisor.hold(process)
        await asyncio.to_thread(process.kill)
    for _ in range(ORDERS_PLACED):
        order = await shop.customer.order(shop.service)
        assert order is not None
        assert await shop.customer.take_step(order["id"], "withdraw") is not None
    assert await shop.refused_price(1) == PRICES[0], "refused by what is known"
    for process in catalogs:
        scene.marketplace.supervisor.release(process)
    await shop.close()


@contextmanager
def _events_of_orders_wait(marketplace: Marketplace) -> Iterator[None]:
    """No process of orders takes an event: nobody gets a row into its inbox."""
    with closing(psycopg2.connect(marketplace.database_url("orders"))) as connection:
        connection.cursor().execute("LOCK TABLE inbox IN SHARE MODE")
        yield


async def _order_stale_offers(scene: Scene) -> None:
    """Prices change while orders takes no event: each customer gets what they saw, or the truth."""
    quick, slow, asking = (Shop(scene) for _ in range(3))
    await asyncio.gather(quick.open(), slow.open(), asking.open())
    with _events_of_orders_wait(scene.marketplace):
        seen = await slow.change_price(PRICES[1])
        for shop in (quick, asking):
            await shop.change_price(PRICES[1])
        assert quick.stored_price() == PRICES[0], "the event waits"
        for shop, service, price in ((quick, quick.service, PRICES[1]), (slow, seen, PRICES[0])):
            order = await shop.customer.order(service)
            assert order is not None
            assert order["price"]["amount"] == price
        assert await asking.refused_price(1) == PRICES[1]
    for shop in (quick, slow, asking):
        await shop.close()


def test_orders_are_placed_while_catalog_is_down(laboratory: Laboratory) -> None:
    laboratory.run("kill -9 of catalog while orders are placed", _order_without_catalog)


def test_prices_change_while_orders_takes_no_event(laboratory: Laboratory) -> None:
    laboratory.run("stale offers: prices change while orders takes no event", _order_stale_offers)
