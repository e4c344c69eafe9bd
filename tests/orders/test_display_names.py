"""Display names: orders and histories show people as they are called now; what was agreed stays."""

import itertools

import pytest

from services.accounts.contract import ACCOUNT_REGISTERED, ACCOUNT_UPDATED
from tests.orders.market import Market


def rename(market: Market, account_id: str, name: str, version: int) -> None:
    event = market.harness.deliver(
        ACCOUNT_UPDATED, account_id=account_id, display_name=name, account_version=version
    )
    market.harness.deliver(ACCOUNT_UPDATED, event)


def test_a_new_name_shows_on_orders_lists_and_history_and_raises_no_version(market: Market) -> None:
    order = market.order_at("approved")
    rename(market, market.customer.id, "Carla", 2)
    rename(market, market.provider.id, "Pia & Co", 2)
    seen = market.get(order)
    assert (seen["customer"]["display_name"], seen["provider"]["display_name"]) == ("Carla", "Pia & Co")
    assert (seen["version"], seen["updated_at"]) == (order["version"], order["updated_at"])
    assert [line["actor"]["display_name"] for line in market.history(order)] == ["Carla", "Pia & Co"]
    market.take(order, "complete_work", "provider")
    last = market.events(order)[-1]
    assert last["customer"]["display_name"] == "Carla"
    assert last["actor"]["display_name"] == "Pia & Co"


@pytest.mark.parametrize("order_of_arrival", list(itertools.permutations((1, 2, 3))))
def test_the_newest_name_wins_in_whatever_order_names_arrive(
    market: Market, order_of_arrival: tuple[int, ...]
) -> None:
    order = market.submit()
    for version in order_of_arrival:
        rename(market, market.customer.id, f"Name {version}", version)
    assert market.get(order)["customer"]["display_name"] == "Name 3"


def test_an_old_token_does_not_bring_an_old_name_back(market: Market) -> None:
    rename(market, market.customer.id, "Carla", 2)
    rename(market, market.provider.id, "Pia & Co", 5)
    order = market.submit()
    assert order["customer"]["display_name"] == "Carla"
    assert order["provider"]["display_name"] == "Pia & Co"
    event = market.events(order)[0]
    assert event["customer"] == order["customer"]
    assert event["actor"]["display_name"] == "Carla"
    assert market.get(order) == order


def test_a_registration_is_the_first_version_of_a_name(market: Market) -> None:
    order = market.submit()
    market.harness.deliver(
        ACCOUNT_REGISTERED, account_id=market.customer.id, display_name="Carl I", account_version=1
    )
    assert market.get(order)["customer"]["display_name"] == "Carl I"


def test_names_are_kept_in_one_place_only(market: Market) -> None:
    market.take(market.submit(), "cancel", "staff", reason="Fraud.")
    named = market.harness.execute(
        "SELECT table_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND column_name LIKE '%name%'"
    )
    assert [row.table_name for row in named] == ["account_names"]
