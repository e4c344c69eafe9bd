"""How many orders may wait for an answer, at one provider and in all, whatever is sent at once."""

from functools import partial

import pytest

from kit.errors import Conflict
from tests.orders.commands.test_races import race
from tests.orders.market import Market
from tests.support.service_harness import person


@pytest.fixture
def small_quotas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PENDING_ORDERS_PER_PROVIDER", "3")
    monkeypatch.setenv("PENDING_ORDERS", "5")


def refused(market: Market, **arguments: object) -> dict[str, object]:
    with pytest.raises(Conflict) as error:
        market.submit(**arguments)
    assert error.value.code == "quota_exceeded"
    return error.value.data


@pytest.mark.usefixtures("small_quotas")
def test_so_many_orders_wait_at_one_provider_and_an_answer_makes_room(market: Market) -> None:
    orders = [market.submit() for _ in range(3)]
    assert refused(market) == {"quota": "pending_orders_per_provider", "limit": 3}
    market.take(orders[0], "approve", "provider")
    market.submit()
    assert refused(market) == {"quota": "pending_orders_per_provider", "limit": 3}


@pytest.mark.usefixtures("small_quotas")
def test_so_many_orders_wait_in_all(market: Market) -> None:
    elsewhere = [market.add_offer(person(name))["service_id"] for name in ("Pete", "Paula", "Pau")]
    for service_id in (elsewhere[0], elsewhere[0], elsewhere[1], elsewhere[1]):
        market.submit(service_id=service_id)
    order = market.submit()
    assert refused(market, service_id=elsewhere[2]) == {"quota": "pending_orders", "limit": 5}
    market.take(order, "withdraw", "customer")
    assert market.submit(service_id=elsewhere[2])["status"] == 1


@pytest.mark.usefixtures("small_quotas")
def test_a_quota_is_one_customers_own(market: Market) -> None:
    for _ in range(3):
        market.submit()
    assert market.submit(caller=person("Cora"))["status"] == 1


@pytest.mark.usefixtures("small_quotas")
def test_submissions_at_the_same_moment_do_not_get_past_a_quota(market: Market) -> None:
    outcomes = race(*[partial(market.submit) for _ in range(12)])
    assert sum(isinstance(outcome, dict) for outcome in outcomes) == 3
    assert {o.code for o in outcomes if isinstance(o, Conflict)} == {"quota_exceeded"}


def test_a_repeat_of_the_last_order_within_the_quota_gets_its_answer(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PENDING_ORDERS", "1")
    first = market.submit(key="the same key")
    assert market.submit(key="the same key") == first
    assert refused(market)["quota"] == "pending_orders"


@pytest.mark.parametrize("quota", ["0", "10001", "100000000"])
def test_no_quota_is_nothing_to_count(market: Market, monkeypatch: pytest.MonkeyPatch, quota: str) -> None:
    monkeypatch.setenv("PENDING_ORDERS_PER_PROVIDER", quota)
    monkeypatch.setenv("PENDING_ORDERS", "2")
    for _ in range(2):
        market.submit()
    assert refused(market) == {"quota": "pending_orders", "limit": 2}
    monkeypatch.setenv("PENDING_ORDERS", quota)
    assert market.submit()["status"] == 1


def test_the_defaults_are_those_of_the_domain(market: Market) -> None:
    periods = market.harness.instance(None).periods  # type: ignore[arg-type]
    assert (periods.pending_orders, periods.pending_orders_per_provider) == (100, 20)
