"""Which offer a submission takes: the one stored from events; catalog is asked when that is not enough."""

from collections.abc import Callable
from typing import Any

import pytest

from kit.errors import Conflict, TimedOut, Unavailable
from services.accounts.contract import ACCOUNT_UPDATED
from services.orders import contract
from tests.orders.market import Json, Market

OLD, NEW = {"amount": 4500, "currency": "EUR"}, {"amount": 9900, "currency": "EUR"}
AWAY = (Unavailable("away"), TimedOut("late"))


@pytest.fixture
def questions(market: Market) -> Callable[[], int]:
    """How often catalog has been asked since the test began."""
    before = market.catalog.asked
    return lambda: market.catalog.asked - before


def refusal(market: Market, **arguments: Any) -> Conflict:
    with pytest.raises(Conflict) as refused:
        market.submit(**arguments)
    return refused.value


def test_a_published_offer_is_ordered_without_a_call(market: Market, questions: Callable[[], int]) -> None:
    market.publish(market.offer)
    order = market.submit(expected_price=OLD)
    assert contract.Order().validate(order) == {}
    assert (order["price"], order["service"]["title"]) == (OLD, "A logo for your shop")
    assert order["provider"] == {"id": market.provider.id, "display_name": "Pia"}
    assert (order["revisions_allowed"], market.row(order).delivery_days) == (1, 3)
    assert questions() == 0


def test_an_unknown_offer_is_asked_for_once_and_with_no_transaction_open(
    market: Market, questions: Callable[[], int]
) -> None:
    market.submit()
    assert (questions(), market.catalog.connections_in_use) == (1, 0)
    market.submit()
    assert questions() == 1


@pytest.mark.parametrize("failure", AWAY)
def test_a_known_offer_is_ordered_while_catalog_is_away(
    market: Market, questions: Callable[[], int], failure: Exception
) -> None:
    market.publish(market.offer)
    market.catalog.failure = failure
    assert market.submit(expected_price=OLD)["status"] == 1
    assert questions() == 0


def test_the_published_change_counts(market: Market, questions: Callable[[], int]) -> None:
    market.publish(market.offer)
    market.publish(market.change_offer(price=NEW, title="A better logo"))
    order = market.submit(expected_price=NEW)
    assert (order["price"], order["service"]["title"], questions()) == (NEW, "A better logo", 0)


def test_who_saw_a_newer_price_than_orders_gets_it(market: Market, questions: Callable[[], int]) -> None:
    market.publish(market.offer)
    market.change_offer(price=NEW)
    assert market.submit(expected_price=NEW)["price"] == NEW
    assert market.submit(expected_price=NEW)["price"] == NEW
    assert questions() == 1


def test_a_refusal_names_the_catalogs_price(market: Market, questions: Callable[[], int]) -> None:
    market.publish(market.offer)
    market.change_offer(price=NEW)
    refused = refusal(market, expected_price={"amount": 5000, "currency": "EUR"})
    assert (refused.code, refused.data["current_price"], questions()) == ("price_changed", NEW, 1)


def test_nobody_pays_another_price_than_the_one_they_saw(market: Market) -> None:
    market.publish(market.offer)
    market.change_offer(price=NEW)
    assert market.submit(expected_price=OLD)["price"] == OLD
    market.publish(market.offer)
    assert refusal(market, expected_price=OLD).data["current_price"] == NEW


@pytest.mark.parametrize("failure", AWAY)
def test_without_catalog_a_refusal_says_what_is_known(market: Market, failure: Exception) -> None:
    market.publish(market.offer)
    market.catalog.failure = failure
    refused = refusal(market, expected_price=NEW)
    assert (refused.code, refused.data["current_price"]) == ("price_changed", OLD)
    market.publish(market.change_offer(status="paused"))
    assert refusal(market).code == "service_unavailable"


@pytest.mark.parametrize("status", ["paused", "archived"])
def test_what_was_paused_or_archived_is_not_ordered(market: Market, status: str) -> None:
    market.publish(market.change_offer(status=status))
    assert refusal(market).code == "service_unavailable"


def test_a_service_that_was_resumed_a_moment_ago_is_ordered(
    market: Market, questions: Callable[[], int]
) -> None:
    market.publish(market.change_offer(status="paused"))
    market.change_offer(status="active")
    assert market.submit()["status"] == 1
    assert questions() == 1


def test_a_service_that_became_a_draft_is_not_ordered(market: Market) -> None:
    market.publish(market.offer)
    market.publish(market.change_offer(status="draft"), offer=None)
    del market.catalog.offers[market.offer["service_id"]]
    assert refusal(market).code == "service_unavailable"


def test_nobody_needs_catalog_to_be_refused_their_own_service(
    market: Market, questions: Callable[[], int]
) -> None:
    market.publish(market.change_offer(status="paused"))
    assert refusal(market, caller=market.provider, expected_price=NEW).code == "own_service"
    assert questions() == 0


def test_an_answer_of_the_release_before_is_used_and_not_stored(
    market: Market, questions: Callable[[], int]
) -> None:
    del market.offer["service_version"]
    assert market.submit()["price"] == OLD
    assert market.submit()["price"] == OLD
    assert questions() == 2


def test_the_name_of_a_provider_comes_from_accounts(market: Market) -> None:
    market.publish(market.offer)
    renamed: Json = {"account_id": market.provider.id, "display_name": "Pia P.", "account_version": 2}
    market.harness.deliver(ACCOUNT_UPDATED, **renamed)
    market.publish(market.change_offer(title="A better logo"))
    assert market.submit()["provider"]["display_name"] == "Pia P."
