"""Catalog's migrations on tables that hold services, while processes of both releases work."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from kit.settings import Settings
from services.catalog.text_analysis import terms
from services.migrations import upgrade
from tests.catalog.market import INSERT_BEFORE_TERMS, Market
from tests.support.service_harness import make_service

SERVICES = 450  # more than two batches
INDEXES = """
    SELECT count(*) FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
    WHERE relname LIKE 'services_%' AND NOT indisvalid
"""


@pytest.fixture
def before_terms(servers: Settings) -> Iterator[Market]:
    """Catalog on the tables of the release before search terms, with services in them."""
    with make_service("catalog", revision="0002") as harness:
        harness.execute(INSERT_BEFORE_TERMS, title="Café menus in C++", times=SERVICES)
        yield Market(harness)


def migrate(market: Market) -> None:
    """As `microtasks migrate` does."""
    upgrade("catalog", market.harness.settings.database_url)


def test_services_of_the_release_before_are_found_when_the_migration_has_run(before_terms: Market) -> None:
    migrate(before_terms)
    for words in ("cafe", "c++", "zoe"):
        assert len(before_terms.every(q=words)) == SERVICES
    assert before_terms.harness.execute(INDEXES) == [(0,)]


def test_two_migrations_at_once_are_one(before_terms: Market) -> None:
    with ThreadPoolExecutor() as both:
        for done in [both.submit(migrate, before_terms) for _ in range(2)]:
            done.result(60)
    assert before_terms.harness.execute(INDEXES) == [(0,)]


class PowerCut(Exception):
    """Ends a migration anywhere."""


def test_a_migration_that_was_cut_short_goes_on(
    before_terms: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = iter(range(SERVICES - 10))
    compute = terms.document_terms

    def computed_until_the_cut(*texts: str) -> terms.DocumentTerms:
        if next(left, None) is None:
            raise PowerCut
        return compute(*texts)

    with monkeypatch.context() as patched:
        patched.setattr(terms, "document_terms", computed_until_the_cut)
        with pytest.raises(PowerCut):
            migrate(before_terms)
    migrate(before_terms)
    assert len(before_terms.every(q="cafe")) == SERVICES
