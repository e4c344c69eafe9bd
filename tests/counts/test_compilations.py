"""No statement is compiled after warm-up: what was executed once is found in SQLAlchemy's cache.

Every service's own tests prove that no statement is of a kind that the cache cannot hold; see
`Harness.never_cached`.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kit.settings import Settings
from services.orders import contract
from tests.orders.market import WAYS, FakeCatalog, Market
from tests.orders.test_payment_status import told
from tests.support.service_harness import make_service, person


@pytest.fixture
def market(servers: Settings) -> Iterator[Market]:
    catalog = FakeCatalog()
    with make_service("orders", remote={"catalog": catalog}) as harness:
        catalog.harness = harness
        yield Market(harness, catalog)


def submit_and_repeat(market: Market) -> None:
    for customer in (market.customer, person("Cora")):
        key = f"key of {customer.id} {market.harness.events('order_status_changed')[-1:]}"
        market.submit(caller=customer, key=key)
        market.submit(caller=customer, key=key)


def ask_catalog(market: Market) -> None:
    offer = market.add_offer(market.provider)
    market.submit(service_id=offer["service_id"])


def take_every_way(market: Market) -> None:
    for place in WAYS:
        order = market.order_at(place)
        market.get(order)
        market.history(order)


def act_as_staff(market: Market) -> None:
    order = market.order_at("disputed")
    market.take(order, "resolve_dispute", "staff", reason="Because.", to_status=2)
    market.get(order, "staff")


def list_orders(market: Market) -> None:
    for role in ("customer", "provider"):
        market.harness.call_as(market.customer, contract.LIST_ORDERS, role=role, limit=1)


def consume_events(market: Market) -> None:
    order = market.order_at("completed")
    market.publish(market.change_offer())
    market.publish(market.change_offer(), offer=None)
    told(market, order, "paid", 1)


def run_timers(market: Market) -> None:
    order = market.order_at("work_completed")
    market.change(order, "next_reminder_at = now(), confirm_by = now() + interval '1 day'")
    for timer in ("expire_orders", "remind_customers", "confirm_orders"):
        market.harness.tick(timer)


WORK: tuple[Callable[[Market], Any], ...] = (
    ask_catalog,
    submit_and_repeat,
    take_every_way,
    act_as_staff,
    list_orders,
    consume_events,
    run_timers,
)


@pytest.mark.parametrize("work", WORK)
def test_what_ran_once_is_compiled_no_more(market: Market, work: Callable[[Market], Any]) -> None:
    for _ in range(2):  # people and offers are new in the first round only
        work(market)
    market.harness.compiled.clear()
    work(market)
    assert [one for one in market.harness.compiled if "SAVEPOINT" not in one] == []
