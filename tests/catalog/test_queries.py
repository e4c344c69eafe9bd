from typing import Any

import pytest

from kit.contracts import Rpc
from kit.errors import BadQuery, NotFound, Unauthenticated
from services.catalog import contract
from tests.catalog.market import Market

FORGED = "WyIwMDAwMDAwMDAwMDAwMDAwIiwxXQ"


def test_everybody_sees_a_paused_or_archived_service_with_its_status(market: Market) -> None:
    paused = market.change(market.post(), status="paused")
    archived = market.post()
    market.archive(archived)
    for caller in (None, market.bob, market.ada):
        assert market.get(paused, caller)["status"] == "paused"
        assert market.get(archived, caller)["status"] == "archived"


def test_a_draft_is_seen_by_its_owner_only(market: Market) -> None:
    draft = market.post(status="draft")
    assert market.get(draft, market.ada) == draft
    for caller in (None, market.bob):
        with pytest.raises(NotFound):
            market.get(draft, caller)


def test_a_service_taken_back_to_draft_is_hidden_again(market: Market) -> None:
    draft = market.change(market.post(), status="draft")
    with pytest.raises(NotFound):
        market.get(draft)
    active = market.change(draft, status="active")
    assert market.get(draft) == active


@pytest.mark.parametrize("service_id", ["", "1", "not-an-id", "01900000-0000-7000-8000-000000000001", "'"])
def test_an_unknown_or_malformed_id_is_not_found(market: Market, service_id: str) -> None:
    for method in (contract.GET_SERVICE, contract.GET_OFFER):
        with pytest.raises(NotFound):
            market.call(None, method, service_id=service_id)


def test_an_offer_is_what_an_order_keeps(market: Market) -> None:
    posted = market.post()
    offer = market.call(market.bob, contract.GET_OFFER, service_id=posted["id"])
    assert contract.Offer().validate(offer) == {}
    assert offer == {
        "service_id": posted["id"],
        "service_version": 1,
        **{
            name: posted[name]
            for name in ("title", "price", "delivery_days", "revisions", "status", "provider")
        },
    }


def test_an_offer_says_when_it_is_no_longer_there(market: Market) -> None:
    paused = market.change(market.post(), status="paused")
    archived = market.post()
    market.archive(archived)
    for service, status in ((paused, "paused"), (archived, "archived")):
        assert market.call(None, contract.GET_OFFER, service_id=service["id"])["status"] == status


def test_a_draft_is_no_offer_even_to_its_owner(market: Market) -> None:
    draft = market.post(status="draft")
    with pytest.raises(NotFound):
        market.call(market.ada, contract.GET_OFFER, service_id=draft["id"])


def test_own_services_are_listed_in_every_status(market: Market) -> None:
    draft = market.post(status="draft")
    active = market.post()
    paused = market.change(market.post(), status="paused")
    archived = market.post()
    market.archive(archived)
    market.post(market.bob)
    own = market.every(contract.LIST_OWN_SERVICES, market.ada)
    assert own == [service["id"] for service in (archived, paused, active, draft)]
    for status, service in (("draft", draft), ("active", active), ("paused", paused), ("archived", archived)):
        assert market.every(contract.LIST_OWN_SERVICES, market.ada, status=status) == [service["id"]]


def test_own_services_come_in_pages(market: Market) -> None:
    posted = [market.post()["id"] for _ in range(7)]
    assert market.every(contract.LIST_OWN_SERVICES, market.ada, limit=3) == posted[::-1]


def test_own_services_need_an_account(market: Market) -> None:
    with pytest.raises(Unauthenticated):
        market.call(None, contract.LIST_OWN_SERVICES)


def test_the_categories_are_there_from_the_start(market: Market) -> None:
    page = market.call(None, contract.LIST_CATEGORIES)
    slugs = [category["id"] for category in page["data"]]
    assert {"writing", "design", "programming", "translation", "marketing"} <= set(slugs)
    assert page["next_cursor"] is None
    assert all(contract.Category().validate(category) == {} for category in page["data"])
    assert market.every(contract.LIST_CATEGORIES, limit=5) == slugs


@pytest.mark.parametrize("cursor", ["", "x", FORGED, "bnVsbA", "W10", "🙂"])
def test_a_cursor_of_no_list_here_is_a_bad_query(market: Market, cursor: str) -> None:
    for method in (contract.LIST_CATEGORIES, contract.LIST_OWN_SERVICES, contract.SEARCH_SERVICES):
        with pytest.raises(BadQuery):
            market.call(market.ada, method, cursor=cursor)


def test_another_persons_cursor_is_a_bad_query(market: Market) -> None:
    for _ in range(2):
        market.post()
    cursor = market.call(market.ada, contract.LIST_OWN_SERVICES, limit=1)["next_cursor"]
    with pytest.raises(BadQuery):
        market.call(market.bob, contract.LIST_OWN_SERVICES, limit=1, cursor=cursor)


def test_every_read_is_one_statement(market: Market) -> None:
    for _ in range(5):
        posted = market.post()
    reads: tuple[tuple[Rpc, dict[str, Any]], ...] = (
        (contract.LIST_CATEGORIES, {}),
        (contract.GET_SERVICE, {"service_id": posted["id"]}),
        (contract.GET_OFFER, {"service_id": posted["id"]}),
        (contract.LIST_OWN_SERVICES, {"limit": 2}),
        (contract.LIST_OWN_SERVICES, {"limit": 100}),
    )
    for method, arguments in reads:
        market.call(market.ada, method, **arguments)
        assert len(market.harness.statements) == 1
