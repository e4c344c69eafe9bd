import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from contextlib import suppress
from typing import Any

import pytest

from kit.errors import BadQuery
from services.catalog import contract
from services.catalog.search import MOST_CANDIDATES
from tests.catalog.market import Market
from tests.support.service_harness import person

SORTS: tuple[dict[str, Any], ...] = (
    {},
    {"sort": "price", "currency": "EUR"},
    {"sort": "-price", "currency": "EUR"},
    {"sort": "-rating"},
    {"q": "proofreading"},
    {"q": "proofreading", "sort": "relevance"},
    {"q": "proofreading", "sort": "price", "currency": "EUR"},
    {"q": "proofreadng"},
    {"q": "proofreadng", "sort": "relevance"},
    {"q": "proofreadng", "sort": "-rating"},
)


def test_only_active_services_are_found(market: Market) -> None:
    active = market.post()
    market.post(status="draft")
    market.change(market.post(), status="paused")
    market.archive(market.post())
    for query in SORTS:
        assert market.every(**query) == [active["id"]]


def test_found_services_are_whole_services(market: Market) -> None:
    posted = market.post()
    for query in SORTS:
        assert market.search(**query)["data"] == [posted]


def test_the_newest_come_first(market: Market) -> None:
    posted = [market.post()["id"] for _ in range(3)]
    assert market.every() == posted[::-1]


def test_filters_narrow_the_list(market: Market) -> None:
    carol = person("Carol")
    logo = market.post(carol, title="Logo for a shop", category="design")
    cheap = market.post(price={"amount": 100, "currency": "EUR"})
    dear = market.post(price={"amount": 9000, "currency": "EUR"})
    dollars = market.post(price={"amount": 500, "currency": "USD"})
    market.rate(dear, 4.5)
    assert market.every(category="design") == [logo["id"]]
    assert market.every(category="no-such") == []
    assert market.every(provider_id=carol.id) == [logo["id"]]
    assert market.every(currency="USD") == [dollars["id"]]
    assert market.every(currency="EUR", min_price=4501) == [dear["id"]]
    assert market.every(currency="EUR", max_price=100) == [cheap["id"]]
    assert market.every(currency="EUR", min_price=100, max_price=4500) == [cheap["id"], logo["id"]]
    assert market.every(currency="EUR", min_price=2, max_price=1) == []
    assert market.every(min_price=100, max_price=4500)[-2:] == [cheap["id"], logo["id"]]
    assert market.every(min_rating=4.5) == [dear["id"]]
    assert market.every(min_rating=4.6) == []
    assert market.every(q="proofreading", currency="USD") == [dollars["id"]]
    assert market.every(q="proofreadng", currency="USD") == [dollars["id"]]


def test_prices_sort_both_ways_within_one_currency(market: Market) -> None:
    amounts = (300, 100, 200, 200)
    posted = [market.post(price={"amount": amount, "currency": "EUR"}) for amount in amounts]
    market.post(price={"amount": 150, "currency": "USD"})
    by_id = {service["id"]: service["price"]["amount"] for service in posted}
    cheapest = market.every(sort="price", currency="EUR")
    assert [by_id[service] for service in cheapest] == [100, 200, 200, 300]
    assert market.every(sort="-price", currency="EUR") == cheapest[::-1]


def test_the_best_rated_come_first_and_the_unrated_last(market: Market) -> None:
    unrated, good, best, often = (market.post() for _ in range(4))
    market.rate(good, 4.2, 9)
    market.rate(best, 5.0, 1)
    market.rate(often, 5.0, 7)
    assert market.every(sort="-rating") == [s["id"] for s in (often, best, good, unrated)]


@pytest.mark.parametrize("query", SORTS)
def test_pages_join_into_the_whole_list_even_among_equals(market: Market, query: dict[str, Any]) -> None:
    market.post()
    market.harness.execute(
        "INSERT INTO services (id, provider_id, provider_name, title, description, category, price_minor,"
        " currency, delivery_days, revisions, status, public) SELECT gen_random_uuid(), provider_id,"
        " provider_name, title, description, category, price_minor, currency, delivery_days, revisions,"
        " status, public FROM services, generate_series(1, 22)"
    )
    whole = market.every(**query, limit=100)
    assert len(set(whole)) == 23
    for limit in (1, 4, 23):
        assert market.every(**query, limit=limit) == whole


def test_what_is_posted_while_paging_repeats_nothing(market: Market) -> None:
    posted = [market.post()["id"] for _ in range(4)]
    first = market.search(limit=2)
    market.post()
    second = market.search(limit=2, cursor=first["next_cursor"])
    assert [service["id"] for service in (*first["data"], *second["data"])] == posted[::-1]


def test_a_cursor_belongs_to_its_filters(market: Market) -> None:
    for _ in range(3):
        market.post()
    cursor = market.search(limit=1, currency="EUR")["next_cursor"]
    others: tuple[dict[str, Any], ...] = (
        {},
        {"currency": "USD"},
        {"currency": "EUR", "sort": "price"},
        {"currency": "EUR", "q": "proofreading"},
        {"currency": "EUR", "category": "writing"},
        {"currency": "EUR", "min_rating": 1},
    )
    for query in others:
        with pytest.raises(BadQuery):
            market.search(limit=1, **query, cursor=cursor)
    assert len(market.search(limit=2, currency="EUR", cursor=cursor)["data"]) == 2


@pytest.mark.parametrize(
    "value", [None, True, "x", "1", -1, 10**40, 1e400, [], {}, "2026-01-01", "0001-01-01T00:00:00+24:00"]
)
@pytest.mark.parametrize("query", SORTS)
def test_a_tampered_cursor_is_a_bad_query_or_a_page(
    market: Market, query: dict[str, Any], value: Any
) -> None:
    for _ in range(2):
        market.post()
    cursor = market.search(limit=1, **query)["next_cursor"]
    digest, *position = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    for place in range(len(position)):
        changed = [digest, *position[:place], value, *position[place + 1 :]]
        forged = urlsafe_b64encode(json.dumps(changed).encode()).decode().rstrip("=")
        with suppress(BadQuery):
            market.search(limit=1, **query, cursor=forged)


def test_words_are_found_in_title_description_and_provider_name(market: Market) -> None:
    erin = person("Erin Zweistein")
    titled = market.post(title="Garden planning")
    described = market.post(description="Includes advice about your garden in spring.")
    named = market.post(erin, title="Something else entirely")
    assert set(market.every(q="garden")) == {titled["id"], described["id"]}
    assert market.every(q="zweistein") == [named["id"]]
    assert market.every(q="GARDENS") == market.every(q="garden")
    assert market.every(q="garden planning") == [titled["id"]]


def test_the_word_of_a_category_finds_what_is_in_it(market: Market) -> None:
    song = market.post(title="A song for your wedding day", category="music")
    film = market.post(title="Your wedding day on film", category="video-audio")
    assert market.every(q="music") == [song["id"]]
    assert market.every(q="wedding video") == [film["id"]]


def test_a_word_in_the_title_outranks_one_in_the_text(market: Market) -> None:
    titled = market.post(title="Garden planning and more")
    repeated = market.post(description="Garden, garden, garden and garden: I love every garden.")
    assert market.every(q="garden", sort="relevance") == [titled["id"], repeated["id"]]


def test_the_very_title_outranks_a_longer_one(market: Market) -> None:
    exact = market.post(title="Wedding photos")
    market.post(title="Photos of cars, houses, dogs and perhaps a wedding")
    assert market.every(q="wedding photos", sort="relevance")[0] == exact["id"]


@pytest.mark.parametrize(
    ("typed", "title"),
    [
        ("logo desgin", "Modern logo design"),
        ("desgin", "Modern logo design"),
        ("trnslation", "Translation of contracts"),
        ("transaltion", "Translation of contracts"),
        ("podcst", "Podcast editing"),
        ("caligraphy", "Calligraphy for invitations"),
        ("cafe", "Menus for your café"),
        ("photografy weding", "Wedding photography"),
        ("calli", "Calligraphy for invitations"),
    ],
)
def test_typing_errors_are_forgiven(market: Market, typed: str, title: str) -> None:
    posted = market.post(title=title)
    market.post(title="Bookkeeping in Excel")
    assert market.every(q=typed) == [posted["id"]]
    assert market.every(q=typed, sort="relevance") == [posted["id"]]


def test_forgiving_one_search_leaves_no_trace_on_the_connection(market: Market) -> None:
    market.post()
    threshold = "SELECT current_setting('pg_trgm.word_similarity_threshold')"
    before = market.harness.execute(threshold)
    assert market.every(q="proofreadng")
    assert market.harness.execute(threshold) == before


def test_a_misspelt_provider_is_found(market: Market) -> None:
    posted = market.post(person("Katarzyna Nowak"))
    market.post()
    assert market.every(q="katarzina") == [posted["id"]]


def test_what_only_looks_similar_does_not_dilute_what_matches(market: Market) -> None:
    exact = market.post(title="Translation of letters")
    market.post(title="Transition of letterheads")
    assert market.every(q="translation letters") == [exact["id"]]


@pytest.mark.parametrize("q", ["", "   ", None])
def test_no_words_filter_nothing(market: Market, q: str | None) -> None:
    posted = market.post()
    assert market.every(q=q) == [posted["id"]]


SIGNS = (
    "%",
    "_",
    "%%",
    "\\",
    "'",
    '"',
    "''",
    ";",
    "!!!",
    "...",
    "(((",
    "&",
    "|",
    "!",
    ":*",
    "<->",
    "-",
    "--",
    "/*",
)
ODD = (
    *("a & b", "!logo", "logo:*", "'; DROP TABLE services; --", "%s", "%(x)s", "{q}", ":q", "$1", "NULL"),
    *("the", "and or not", "😀", "ß", "日本語", "a\u202eb", "\\u0000"),
    *("x" * 200, "é" * 200, "a b " * 50, "' " * 100),
)
ORDERS: tuple[dict[str, Any], ...] = ({}, {"sort": "relevance"}, {"sort": "price", "currency": "EUR"})


@pytest.mark.parametrize("q", SIGNS)
def test_signs_without_words_find_nothing(market: Market, q: str) -> None:
    market.post()
    for order in ORDERS:
        assert market.every(q=q, **order) == []


@pytest.mark.parametrize("q", ODD)
def test_odd_words_harm_nothing(market: Market, q: str) -> None:
    posted = market.post()
    for order in ORDERS:
        assert set(market.every(q=q, **order)) <= {posted["id"]}


@pytest.mark.parametrize(
    "q", ["proofreading%", "'proofreading'", "proofreading & !texts", "-proofreading", "(proofreading"]
)
def test_signs_around_words_mean_nothing(market: Market, q: str) -> None:
    posted = market.post()
    assert market.every(q=q) == [posted["id"]]


def test_at_most_the_thousand_best_are_ranked_and_titles_come_before_texts(market: Market) -> None:
    market.post(title="Bread, baked at home")
    market.harness.execute(
        "INSERT INTO services (id, provider_id, provider_name, title, description, category, price_minor,"
        " currency, delivery_days, revisions, status, public) SELECT gen_random_uuid(), provider_id,"
        " provider_name, 'Cake number ' || n, 'With this cake comes bread.', category, price_minor, currency,"
        " delivery_days, revisions, status, public FROM services, generate_series(1, 1100) n"
    )
    found = market.every(q="bread", sort="relevance", limit=100)
    assert len(found) == len(set(found)) == MOST_CANDIDATES
    assert market.titles(q="bread", sort="relevance", limit=1) == ["Bread, baked at home"]
    assert len(market.every(q="bread", limit=100)) == 1101


def test_a_search_is_one_statement_whatever_its_length(market: Market) -> None:
    for _ in range(30):
        market.post()
    for query in SORTS:
        for limit in (1, 20, 100):
            page = market.call(None, contract.SEARCH_SERVICES, **query, limit=limit)
            assert len(market.harness.statements) == 1
        first = market.search(**query, limit=10)
        market.search(**query, limit=10, cursor=first["next_cursor"])
        assert len(market.harness.statements) == 1
        assert len(page["data"]) == 30
