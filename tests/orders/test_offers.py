"""What orders knows of an offer is the newest it heard, whatever arrives in whatever order."""

import itertools
import random
import re
from functools import partial
from typing import Any

import pytest

from services.catalog.contract import SERVICE_CHANGED
from services.orders.projections import offer_of, save_offer
from tests.orders.commands.test_races import race
from tests.orders.market import Json, Market
from tests.support import codebase

ROUNDS = 10


def at(market: Market, version: int) -> Json:
    """The offer as it was in a version."""
    price = {"amount": 1000 * version, "currency": "EUR"}
    return {**market.offer, "service_version": version, "price": price}


def answered(market: Market, version: int) -> None:
    """An answer of catalog is stored."""
    market.harness.db.write(lambda connection: save_offer(connection, at(market, version)))  # type: ignore[arg-type]


def blank(market: Market, version: int) -> None:
    """An event of the release before, or of a draft."""
    market.publish(at(market, version), offer=None)


def published(market: Market, version: int) -> None:
    market.publish(at(market, version))


STORED = """
    SELECT CAST(service_id AS text), service_version, title, price_minor, currency, delivery_days, revisions,
           status, CAST(provider_id AS text), display_name AS provider_name
    FROM offers LEFT JOIN account_names ON account_id = provider_id
    WHERE service_id = CAST(:service_id AS uuid)
"""


def known(market: Market) -> Any:
    rows = market.harness.execute(STORED, service_id=market.offer["service_id"])
    return offer_of(rows[0]._mapping) if rows else None


def test_what_was_published_is_known_as_it_was_published(market: Market) -> None:
    assert known(market) is None
    market.publish(market.offer)
    assert known(market) == market.offer


def test_an_event_of_the_release_before_makes_the_offer_unknown(market: Market) -> None:
    published(market, 1)
    market.harness.deliver(
        SERVICE_CHANGED,
        service_id=market.offer["service_id"],
        provider_id=market.provider.id,
        service_version=2,
    )
    assert known(market) is None
    answered(market, 1)
    assert known(market) is None
    answered(market, 2)
    assert known(market) == at(market, 2)


def test_an_event_without_an_offer_takes_nothing_away_that_is_as_new(market: Market) -> None:
    answered(market, 2)
    for version in (1, 2):
        blank(market, version)
    assert known(market) == at(market, 2)


def test_an_operator_has_all_offers_asked_for_again(market: Market) -> None:
    page = (codebase.ROOT / "docs" / "operations.md").read_text()
    published(market, 2)
    for statement in re.findall(r"UPDATE offers SET [^;]+;", page):
        market.harness.execute(statement)
    published(market, 1)
    assert known(market) is None
    market.catalog.offers[market.offer["service_id"]] = at(market, 2)
    assert market.submit()["price"] == known(market)["price"] == at(market, 2)["price"]


@pytest.mark.parametrize("arrivals", list(itertools.permutations(range(4))))
def test_the_newest_state_stays_whatever_the_order_of_arrival(
    market: Market, arrivals: tuple[int, ...]
) -> None:
    acts = (
        partial(published, market, 1),
        partial(blank, market, 2),
        partial(answered, market, 2),
        partial(published, market, 3),
    )
    for arrival in arrivals:
        acts[arrival]()
        acts[arrival]()
    assert known(market) == at(market, 3)


def test_the_newest_state_stays_when_events_and_answers_arrive_at_the_same_moment(market: Market) -> None:
    for number in range(ROUNDS):
        market.offer = market.add_offer(market.provider)
        acts = [partial(published, market, version) for version in range(1, 6)]
        acts += [partial(answered, market, version) for version in range(2, 7)]
        acts += [partial(blank, market, version) for version in range(1, 7)]
        random.Random(number).shuffle(acts)
        assert race(*acts) == [None] * len(acts)
        assert known(market) == at(market, 6)
        assert market.submit(caller=market.stranger)["price"] == {"amount": 6000, "currency": "EUR"}
