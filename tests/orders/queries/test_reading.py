"""Reads: one statement each, complete pages, and nothing for strangers."""

import base64
import json
from typing import Any

import pytest

from kit.errors import BadQuery, Invalid, NotFound, Unauthenticated
from kit.paging import encode_cursor
from kit.validation import rfc3339
from services.orders import contract
from tests.orders.market import Market
from tests.support.service_harness import person


def listed(market: Market, who: str = "customer", **query: Any) -> Any:
    named = {"role": "customer", **query}
    return market.harness.call_as(getattr(market, who), contract.LIST_ORDERS, **named)


def walk(market: Market, who: str = "customer", **query: Any) -> list[str]:
    """The ids on all pages of a list."""
    page = listed(market, who, **query)
    found = [order["id"] for order in page["data"]]
    while page["next_cursor"]:
        page = listed(market, who, **query, cursor=page["next_cursor"])
        found += [order["id"] for order in page["data"]]
    return found


def test_an_order_is_read_with_one_statement(market: Market) -> None:
    order = market.order_at("work_completed")
    for who in ("customer", "provider", "staff"):
        market.get(order, who)
        assert len(market.harness.statements) == 1


def test_strangers_find_no_order_and_no_history(market: Market) -> None:
    order = market.order_at("completed")
    for contract_of_read in (contract.GET_ORDER, contract.LIST_TRANSITIONS):
        with pytest.raises(NotFound):
            market.harness.call_as(market.stranger, contract_of_read, order_id=order["id"])
        with pytest.raises(Unauthenticated):
            market.harness.call_as(None, contract_of_read, order_id=order["id"])


def test_a_list_is_one_statement_whatever_its_length(market: Market) -> None:
    for _ in range(3):
        market.submit()
    for query in ({}, {"limit": 1}, {"status": "1,2", "sort": "-created_at"}):
        page = listed(market, **query)
        assert len(market.harness.statements) == 1
        assert [order for order in page["data"] if contract.Order().validate(order)] == []
    listed(market, limit=1, cursor=listed(market, limit=1)["next_cursor"])
    assert len(market.harness.statements) == 1


def test_everybody_lists_their_own_orders_in_the_role_they_ask_for(market: Market) -> None:
    order = market.submit()
    other = market.add_offer(market.customer)
    sold = market.submit(caller=market.provider, service_id=other["service_id"])
    assert walk(market, role="customer") == [order["id"]]
    assert walk(market, role="provider") == [sold["id"]]
    assert walk(market, "provider", role="provider") == [order["id"]]
    assert walk(market, "staff", role="customer") == []
    seen_by_provider = listed(market, "provider", role="provider")["data"][0]
    assert seen_by_provider["available_transitions"] == ["approve", "decline"]


def test_the_last_changed_comes_first_and_the_newest_on_request(market: Market) -> None:
    first, second, third = (market.submit() for _ in range(3))
    market.take(first, "approve", "provider")
    assert walk(market) == [first["id"], third["id"], second["id"]]
    assert walk(market, sort="-created_at") == [third["id"], second["id"], first["id"]]


@pytest.mark.parametrize("sort", contract.SORTS)
def test_pages_miss_nothing_and_repeat_nothing_even_at_the_same_moment(market: Market, sort: str) -> None:
    orders = [market.submit() for _ in range(7)]
    for order in orders[:5]:
        market.change(order, "created_at = '2026-01-01Z', updated_at = '2026-01-01Z'")
    whole = walk(market, sort=sort, limit=100)
    assert sorted(whole) == sorted(order["id"] for order in orders)
    for limit in (1, 2, 3):
        assert walk(market, sort=sort, limit=limit) == whole


def test_statuses_filter_the_list(market: Market) -> None:
    places = ("pending", "approved", "completed", "cancelled")
    by_place = {place: market.order_at(place)["id"] for place in places}
    assert walk(market, status="1") == [by_place["pending"]]
    assert set(walk(market, status="1,7")) == {by_place["pending"], by_place["cancelled"]}
    assert set(walk(market, status=[1, 2, 4], limit=1)) == set(by_place.values()) - {by_place["cancelled"]}
    assert walk(market, status="3") == []


@pytest.mark.parametrize(
    "query",
    [
        {"role": "staff"},
        {"role": None},
        {"status": "5"},
        {"status": "6"},
        {"status": ""},
        {"status": "1,"},
        {"status": "pending"},
        {"status": []},
        {"sort": "price"},
        {"limit": 0},
        {"limit": 101},
        {"limit": "many"},
        {"surprise": 1},
    ],
)
def test_a_list_that_cannot_be_understood_is_refused(market: Market, query: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        listed(market, **query)


def test_the_role_must_be_said(market: Market) -> None:
    with pytest.raises(Invalid):
        market.harness.call_as(market.customer, contract.LIST_ORDERS)


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59.999999+23:59", "2026-11-29T10:00:00", "x", 1, None])
def test_a_cursor_with_a_time_that_was_never_given_out_is_a_bad_query(market: Market, moment: object) -> None:
    for _ in range(2):
        market.submit()
    given = listed(market, limit=1)["next_cursor"]
    digest, _, order_id = json.loads(base64.urlsafe_b64decode(given + "=="))
    forged = base64.urlsafe_b64encode(json.dumps([digest, moment, order_id]).encode()).decode().rstrip("=")
    with pytest.raises(BadQuery):
        listed(market, limit=1, cursor=forged)


def test_a_cursor_belongs_to_its_list(market: Market) -> None:
    for _ in range(2):
        market.submit()
    cursor = listed(market, limit=1)["next_cursor"]
    for query in ({"status": "1"}, {"sort": "-created_at"}, {"role": "provider"}):
        with pytest.raises(BadQuery):
            listed(market, limit=1, **query, cursor=cursor)
    with pytest.raises(BadQuery):
        listed(market, "provider", limit=1, cursor=cursor)


@pytest.mark.parametrize(
    "position", [["now", "x"], [5, None], ["2026-01-01", "nope"], [None, None], [{}, []], [1]]
)
def test_a_made_up_position_is_a_bad_cursor(market: Market, position: list[Any]) -> None:
    filters = {
        "list": "orders",
        "caller": market.customer.id,
        "role": "customer",
        "status": None,
        "sort": "-updated_at",
    }
    with pytest.raises(BadQuery):
        listed(market, cursor=encode_cursor(filters, position))
    made_up = encode_cursor(filters, ["soon", market.customer.id])
    with pytest.raises(BadQuery):
        listed(market, cursor=made_up)


def test_the_history_comes_oldest_first_page_by_page_with_one_statement(market: Market) -> None:
    order = market.order_at("completed")
    query = {"order_id": order["id"], "limit": 3}
    page = market.harness.call_as(market.provider, contract.LIST_TRANSITIONS, **query)
    assert len(market.harness.statements) == 1
    assert [line["transition"] for line in page["data"]] == ["submit", "approve", "complete_work"]
    rest = market.harness.call_as(
        market.provider, contract.LIST_TRANSITIONS, **query, cursor=page["next_cursor"]
    )
    assert len(market.harness.statements) == 1
    assert [line["transition"] for line in rest["data"]] == ["confirm"]
    assert rest["next_cursor"] is None


def test_a_page_after_the_end_of_a_history_is_empty_and_no_secret(market: Market) -> None:
    order = market.submit()
    beyond = encode_cursor({"list": "transitions", "order": order["id"]}, [5])
    page = market.harness.call_as(
        market.customer, contract.LIST_TRANSITIONS, order_id=order["id"], cursor=beyond
    )
    assert page == {"data": [], "next_cursor": None}
    with pytest.raises(NotFound):
        market.harness.call_as(
            market.stranger, contract.LIST_TRANSITIONS, order_id=order["id"], cursor=beyond
        )


@pytest.mark.parametrize("position", [["1"], [-1], [2**31], [True], [1.5], [None]])
def test_a_made_up_sequence_is_a_bad_cursor(market: Market, position: list[Any]) -> None:
    order = market.submit()
    cursor = encode_cursor({"list": "transitions", "order": order["id"]}, position)
    with pytest.raises(BadQuery):
        market.harness.call_as(
            market.customer, contract.LIST_TRANSITIONS, order_id=order["id"], cursor=cursor
        )


def test_times_are_utc_to_the_microsecond(market: Market) -> None:
    order = market.order_at("approved")
    row = market.row(order)
    assert (order["created_at"], order["due_at"]) == (rfc3339(row.created_at), rfc3339(row.due_at))


def test_a_person_without_orders_has_an_empty_list(market: Market) -> None:
    market.submit()
    page = market.harness.call_as(person("New"), contract.LIST_ORDERS, role="customer")
    assert page == {"data": [], "next_cursor": None}
