from typing import Any

import pytest
from marshmallow import Schema, ValidationError

from services.catalog import contract
from tests.catalog.market import LISTING

ID = "01900000-0000-7000-8000-000000000001"


def refused(schema: type[Schema], **values: Any) -> set[str]:
    """The fields for which a schema refuses these values."""
    with pytest.raises(ValidationError) as caught:
        schema().load(values)
    return set(caught.value.messages_dict)


@pytest.mark.parametrize("q", [None, "", "   "])
def test_sorting_by_relevance_needs_words(q: str | None) -> None:
    assert refused(contract.ServiceQuery, sort="relevance", q=q) == {"sort"}


@pytest.mark.parametrize("sort", ["price", "-price"])
def test_sorting_by_price_needs_a_currency(sort: str) -> None:
    assert refused(contract.ServiceQuery, sort=sort) == {"sort"}
    assert contract.ServiceQuery().load({"sort": sort, "currency": "EUR"})["sort"] == sort


@pytest.mark.parametrize("bound", ["min_price", "max_price"])
def test_a_bound_of_prices_works_with_and_without_a_currency(bound: str) -> None:
    assert contract.ServiceQuery().load({bound: "100"})[bound] == 100
    assert contract.ServiceQuery().load({bound: "100", "currency": "EUR"})[bound] == 100


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("q", "x" * 201),
        ("q", "nul\x00"),
        ("sort", "title"),
        ("currency", "XXX"),
        ("currency", "eur"),
        ("min_rating", "5.1"),
        ("min_rating", "nan"),
        ("min_price", "-1"),
        ("min_price", "1.5"),
        ("max_price", "9" * 30),
        ("provider_id", "everybody"),
        ("limit", "0"),
        ("limit", "101"),
        ("colour", "blue"),
    ],
)
def test_a_search_refuses(parameter: str, value: str) -> None:
    assert refused(contract.ServiceQuery, **{"currency": "EUR", parameter: value}) == {parameter}


def test_a_search_without_filters_lists_the_newest_first() -> None:
    query = contract.ServiceQuery().load({})
    assert (query["sort"], query["limit"], query["cursor"]) == ("-created_at", 20, None)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", "four"),
        ("title", "x" * 121),
        ("title", " " * 10),
        ("title", None),
        ("description", "x" * 19),
        ("description", "x" * 5001),
        ("description", "unpaired \ud800 surrogate in the text"),
        ("category", 7),
        ("price", {"amount": 0, "currency": "EUR"}),
        ("price", {"amount": 10**12 + 1, "currency": "EUR"}),
        ("price", {"amount": 45.0, "currency": "EUR"}),
        ("price", {"amount": "4500", "currency": "EUR"}),
        ("price", {"amount": True, "currency": "EUR"}),
        ("price", {"amount": 4500, "currency": "XXX"}),
        ("price", {"amount": 4500}),
        ("price", {"amount": 4500, "currency": "EUR", "tax": 1}),
        ("price", 4500),
        ("delivery_days", 0),
        ("delivery_days", 91),
        ("delivery_days", "3"),
        ("delivery_days", True),
        ("delivery_days", 3.0),
        ("revisions", -1),
        ("revisions", 11),
        ("revisions", "1"),
        ("status", "archived"),
        ("status", 1),
        ("version", 1),
        ("provider_id", ID),
    ],
)
def test_neither_a_new_service_nor_a_change_accepts(field: str, value: object) -> None:
    assert refused(contract.PostServiceBody, **{**LISTING, field: value}) == {field}
    assert refused(contract.ChangeServiceBody, **{field: value}) == {field}


@pytest.mark.parametrize("field", LISTING)
def test_a_new_service_needs(field: str) -> None:
    assert refused(contract.PostServiceBody, **{k: v for k, v in LISTING.items() if k != field}) == {field}


def test_the_limits_themselves_are_accepted() -> None:
    for days, revisions, amount in ((1, 0, 1), (90, 10, 10**12)):
        body = {
            **LISTING,
            "delivery_days": days,
            "revisions": revisions,
            "title": "x" * (5 if days == 1 else 120),
        }
        body["price"] = {"amount": amount, "currency": "JPY"}
        assert contract.PostServiceBody().load(body)["price"]["amount"] == amount


def test_a_service_is_posted_active_unless_a_draft_is_asked_for() -> None:
    assert contract.PostServiceBody().load(LISTING)["status"] == "active"
    assert contract.PostServiceBody().load({**LISTING, "status": "draft"})["status"] == "draft"
    assert refused(contract.PostServiceBody, **{**LISTING, "status": "paused"}) == {"status"}


def test_a_change_may_pause_but_not_archive() -> None:
    assert contract.ChangeServiceBody().load({"status": "paused"}) == {"status": "paused"}
    assert refused(contract.ChangeServiceBody, status="archived") == {"status"}


def test_text_is_kept_as_typed() -> None:
    title = "  <b>Proof</b> & reading  "
    assert contract.ChangeServiceBody().load({"title": title}) == {"title": title}
