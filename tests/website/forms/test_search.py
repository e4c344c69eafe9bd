"""Whatever an address of the list of services holds, it is a search and never an error."""

from typing import Any

import pytest

from client import Problem
from website.forms.search import read_search

ID = "01a223ab-9d5c-7cda-89c8-6a7eb5b6869b"


@pytest.mark.parametrize(
    ("query", "filters"),
    [
        ({}, {}),
        ({"q": "  logo "}, {"q": "logo", "sort": "relevance"}),
        ({"q": "a" * 300}, {"q": "a" * 200, "sort": "relevance"}),
        ({"q": "lo\x00go", "sort": "-created_at"}, {"q": "logo"}),
        ({"category": "writing", "provider_id": ID}, {"category": "writing", "provider_id": ID}),
        ({"currency": "jpy", "min_price": "500"}, {"currency": "JPY", "min_price": 500}),
        ({"currency": "EUR", "max_price": "12,5"}, {"currency": "EUR", "max_price": 1250}),
        ({"currency": "EUR", "sort": "-price"}, {"currency": "EUR", "sort": "-price"}),
        ({"min_rating": "4.5", "sort": "-rating"}, {"min_rating": 4.5, "sort": "-rating"}),
        ({"q": "a", "sort": "relevance"}, {"q": "a", "sort": "relevance"}),
        ({"sort": "relevance"}, {}),
        ({"sort": "-created_at"}, {}),
    ],
)
def test_good_parts_become_filters_without_an_error(query: dict[str, str], filters: dict[str, Any]) -> None:
    search = read_search(query)
    assert search.filters == filters
    assert search.warnings == []


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"currency": "XXX"}, "is not a supported currency"),
        ({"min_price": "abc", "currency": "EUR"}, "A price limit was left out"),
        ({"min_price": "12"}, "Choose a currency"),
        ({"max_price": "12.5", "currency": "JPY"}, "JPY has no decimals"),
        ({"provider_id": "42"}, "no such provider"),
        ({"min_rating": "9"}, "Ratings can be limited"),
        ({"sort": "price"}, "Choose a currency to sort by price"),
    ],
)
def test_bad_parts_are_left_out_and_named(query: dict[str, str], said: str) -> None:
    search = read_search(query)
    assert set(search.filters) <= {"currency"}
    assert said in search.warnings[0]
    assert all(search.typed[name] == value for name, value in query.items())


def test_limits_that_nothing_can_fit_are_named_and_kept() -> None:
    search = read_search({"currency": "EUR", "min_price": "50", "max_price": "10"})
    assert search.filters == {"currency": "EUR", "min_price": 5000, "max_price": 1000}
    assert search.warnings == ["Nothing can fit: the lowest price is above the highest."]


def test_what_the_api_cannot_use_is_left_out_too() -> None:
    search = read_search({"q": "logo"})
    search.filters["cursor"] = "of another list"
    search.drop_rejected(
        Problem(400, {"detail": "No.", "errors": [{"parameter": "cursor", "detail": "No."}]})
    )
    assert search.filters == {"q": "logo", "sort": "relevance"}
    assert "here is the first one" in search.warnings[0]
