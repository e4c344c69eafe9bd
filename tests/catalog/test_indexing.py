"""What the search reads is always of the texts as they are now, whoever wrote them."""

from typing import Any

import pytest

from services.accounts.contract import ACCOUNT_UPDATED
from services.catalog.indexing import BATCH
from services.catalog.text_analysis.terms import VERSION
from tests.catalog.market import CHANGE_BEFORE_TERMS, INSERT_BEFORE_TERMS, Market

VERSIONS = "SELECT DISTINCT terms_version FROM services"


def rename(market: Market, name: str, version: int) -> None:
    """Accounts tells Ada's new name."""
    market.harness.deliver(
        ACCOUNT_UPDATED, account_id=market.ada.id, display_name=name, account_version=version
    )


def test_a_changed_title_is_found_by_its_new_words_only(market: Market) -> None:
    posted = market.post(title="Café menus")
    changed = market.change(posted, title="Straße und Häuser")
    assert market.every(q="strasse") == [posted["id"]]
    assert market.every(q="cafe") == []
    market.change(changed, price={"amount": 700, "currency": "EUR"})
    assert market.every(q="hauser") == [posted["id"]]


@pytest.mark.parametrize("field", ["title", "description", "category"])
def test_a_change_of_one_text_leaves_the_others_to_be_found(market: Market, field: str) -> None:
    posted = market.post(
        title="Blåbær", description="Zażółć gęślą jaźń, raz i jeszcze raz.", category="music"
    )
    other: dict[str, Any] = {
        "title": "Another title",
        "description": "Another description of it.",
        "category": "design",
    }
    market.change(posted, **{field: other[field]})
    words = {"title": "blabaer", "description": "zazolc", "category": "music"}
    assert {name for name, word in words.items() if market.every(q=word)} == set(words) - {field}


def test_a_new_name_is_found_and_the_old_one_no_more(market: Market) -> None:
    posted = market.post(title="Blåbær")
    rename(market, "Jörg Müller", 2)
    for words in ("mueller", "jorg", "blabaer jorg", "joerg mulle"):
        assert market.every(q=words) == [posted["id"]]
    assert market.every(q="ada") == []
    assert market.harness.execute(VERSIONS) == [(VERSION,)]


def test_what_a_process_of_the_release_before_writes_is_found_at_once_by_plain_words(market: Market) -> None:
    market.harness.execute(INSERT_BEFORE_TERMS, title="Garden plans in C++", times=1)
    assert market.titles(q="garden") == market.titles(q="gardne") == ["Garden plans in C++"]
    assert market.titles(q="c++") == []
    market.harness.tick("index_services")
    assert market.titles(q="c++") == market.titles(q="zoe") == ["Garden plans in C++"]


def test_what_a_process_of_the_release_before_changes_is_found_by_the_new_words(market: Market) -> None:
    posted = market.post(title="Garden plans in C++")
    market.harness.execute(CHANGE_BEFORE_TERMS, title="Café menus", id=posted["id"])
    assert market.every(q="c++") == market.every(q="garden") == []
    assert market.every(q="menus") == [posted["id"]]
    market.harness.tick("index_services")
    assert market.every(q="cafe") == [posted["id"]]


def test_indexing_goes_on_until_nothing_is_stale_and_then_changes_nothing(market: Market) -> None:
    market.harness.execute(INSERT_BEFORE_TERMS, title="Café menus", times=2 * BATCH + 1)
    market.harness.tick("index_services")
    assert market.harness.execute(VERSIONS) == [(VERSION,)]
    before = market.harness.execute("SELECT xmin FROM services ORDER BY id")
    market.harness.tick("index_services")
    assert market.harness.execute("SELECT xmin FROM services ORDER BY id") == before


def test_terms_of_an_older_release_are_computed_again_and_of_a_newer_one_left(market: Market) -> None:
    older, newer = market.post(title="Café menus"), market.post(title="Straße und Haus")
    stale = "UPDATE services SET search_terms = '', terms_version = :version WHERE id = CAST(:id AS uuid)"
    market.harness.execute(stale, version=VERSION - 1, id=older["id"])
    market.harness.execute(stale, version=VERSION + 1, id=newer["id"])
    market.harness.tick("index_services")
    assert market.every(q="cafe") == [older["id"]]
    assert market.harness.execute("SELECT count(*) FROM services WHERE search_terms = ''") == [(1,)]


def test_a_row_that_another_process_works_on_is_passed_over(market: Market) -> None:
    market.harness.execute(INSERT_BEFORE_TERMS, title="Café menus", times=2)
    with market.harness.engine.connect() as other, other.begin():
        other.exec_driver_sql("SELECT id FROM services LIMIT 1 FOR UPDATE")
        market.harness.tick("index_services")
        assert len(market.every(q="cafe")) == 1
    market.harness.tick("index_services")
    assert len(market.every(q="cafe")) == 2
