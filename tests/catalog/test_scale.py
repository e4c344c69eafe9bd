"""Lists cost the same whatever is stored: proved on 120,000 services by their plans."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from kit.settings import Settings
from services.catalog import contract
from tests.catalog.market import Market
from tests.support.service_harness import make_service, person

SERVICES = 120_000
LOAD = """
    INSERT INTO services (id, provider_id, provider_name, title, description, category, price_minor,
        currency, delivery_days, revisions, status, public, created_at, rating_count, rating_average)
    SELECT gen_random_uuid(), CASE n % 12 WHEN 7 THEN CAST(:diligent AS uuid)
            ELSE CAST('00000000-0000-7000-8000-' || lpad(to_hex(n % 5000), 12, '0') AS uuid) END,
        'Provider ' || n % 5000,
        (ARRAY['Logo design', 'Web shop', 'Translation', 'Podcast', 'Garden', 'Web pages'])[1 + n % 6]
            || ' number ' || n,
        'I do this with care, number ' || n || ' of a series ' || md5(CAST(n AS text)),
        (SELECT id FROM categories WHERE position = 1 + n % 16), 100 + n * 7919 % 50000,
        (ARRAY['EUR', 'USD', 'GBP'])[1 + n % 3], 1 + n % 90, n % 11,
        CASE n % 10 WHEN 0 THEN 'draft' WHEN 1 THEN 'archived' ELSE 'active' END, n % 10 <> 0,
        now() - n * interval '1 minute', n % 50, CASE n % 50 WHEN 0 THEN 0 ELSE 1 + n % 401 / 100.0 END
    FROM generate_series(1, :services) n
"""
DILIGENT = person("Somebody with 10,000 services")
LISTS: tuple[dict[str, Any], ...] = (
    {},
    {"category": "design"},
    {"sort": "price", "currency": "EUR"},
    {"sort": "-price", "currency": "EUR"},
    {"sort": "price", "currency": "EUR", "min_price": 20_000, "max_price": 30_000},
    {"sort": "price", "currency": "USD", "category": "design"},
    {"sort": "-rating"},
    {"sort": "-rating", "category": "design"},
    {"sort": "-rating", "min_rating": 4.5},
    {"provider_id": DILIGENT.id},
)
# Words of one service, of nobody, of every sixth service and of all; and two with typing errors.
WORDS = ("77777", "calligraphy", "logo", "number", "logo desgin", "podcst", "web", "logos for my shop")
# As costly as 200 characters can be: many words, words of everybody, compounds, one run, one letter.
LARGEST = (
    " ".join(f"{a}{b}{a}" for a in "abcdefghij" for b in "klmno"),
    "number series care logo design web shop pages garden podcast translation provider " * 2,
    "logo-design web-shop/web-pages number-series garden.podcast with-care/of.a&series " * 2,
    "标志设计与品牌服务" * 22,
    "n " * 100,
    "desgin trnslation podcst gardn numbr seris cre wbe shopp pgaes provdier " * 2,
)
Plan = dict[str, Any]


class Crowd(Market):
    """A market with very many services."""

    def plan(self, method: Any, caller: Any = None, **query: Any) -> Plan:
        """How PostgreSQL ran the one statement of a list, which is read to see that it finds something."""
        noted: list[tuple[str, Any]] = []

        def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
            noted.append((statement, parameters))

        engine = self.harness.engine
        sa.event.listen(engine, "before_cursor_execute", note)
        self.call(caller, method, **query)
        sa.event.remove(engine, "before_cursor_execute", note)
        [(statement, parameters)] = noted
        with engine.connect() as connection:
            explained = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters)
            found = explained.scalar_one()
        return dict((json.loads(found) if isinstance(found, str) else found)[0]["Plan"])


def steps(plan: Plan) -> Iterator[Plan]:
    """Every step of a plan."""
    yield plan
    for part in plan.get("Plans", ()):
        yield from steps(part)


def rows_touched(plan: Plan) -> int:
    """Rows that scans of services read, those that a filter dropped included."""
    scans = [step for step in steps(plan) if step.get("Relation Name") == "services"]
    read = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck")
    return int(sum(sum(step.get(part, 0) for part in read) * step["Actual Loops"] for step in scans))


@pytest.fixture(scope="module")
def crowd(servers: Settings) -> Iterator[Crowd]:
    with make_service("catalog", statement_timeout_seconds=120.0) as harness:
        harness.execute(LOAD, services=SERVICES, diligent=DILIGENT.id)
        with harness.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("VACUUM ANALYZE services"))
        yield Crowd(harness)


@pytest.mark.parametrize("query", LISTS)
def test_a_list_reads_an_index_in_order_and_little_more_than_it_shows(
    crowd: Crowd, query: dict[str, Any]
) -> None:
    cursor = None
    for _ in range(3):
        page = crowd.search(**query, cursor=cursor)
        assert len(page["data"]) == 20
        plan = crowd.plan(contract.SEARCH_SERVICES, **query, cursor=cursor)
        kinds = {step["Node Type"] for step in steps(plan)}
        assert kinds == {"Limit", "Index Scan"}, plan
        assert rows_touched(plan) <= 300  # a filter that many pass may cost passing over the others
        cursor = page["next_cursor"]


@pytest.mark.parametrize("status", [None, "active"])
def test_an_own_list_reads_an_index_in_order_too(crowd: Crowd, status: str | None) -> None:
    plan = crowd.plan(contract.LIST_OWN_SERVICES, DILIGENT, status=status)
    assert {step["Node Type"] for step in steps(plan)} == {"Limit", "Index Scan"}, plan
    assert rows_touched(plan) <= 300


def test_a_providers_list_reads_only_that_providers_services(crowd: Crowd) -> None:
    query = {"provider_id": "00000000-0000-7000-8000-000000000007"}
    plan = crowd.plan(contract.SEARCH_SERVICES, **query)
    assert "Seq Scan" not in {step["Node Type"] for step in steps(plan)}
    assert rows_touched(plan) <= SERVICES / 5000


@pytest.mark.parametrize("q", WORDS)
@pytest.mark.parametrize("sort", ["relevance", "-created_at"])
def test_a_search_for_words_reads_a_small_part_whoever_has_them(crowd: Crowd, q: str, sort: str) -> None:
    plan = crowd.plan(contract.SEARCH_SERVICES, q=q, sort=sort)
    # A table is only walked until its first 1,000 matches are there.
    assert rows_touched(plan) <= 20_000, plan
    assert all(
        step["Actual Rows"] <= 1000 for step in steps(plan) if step["Node Type"] in ("Sort", "CTE Scan")
    ), plan


@pytest.mark.parametrize("q", LARGEST)
@pytest.mark.parametrize("sort", ["relevance", "-created_at"])
def test_the_largest_query_costs_little(crowd: Crowd, q: str, sort: str) -> None:
    plan = crowd.plan(contract.SEARCH_SERVICES, q=q[:200].strip(), sort=sort)
    assert rows_touched(plan) <= 20_000, plan


def test_one_service_among_many_is_found(crowd: Crowd) -> None:
    assert crowd.titles(q="number 77777") == ["Web pages number 77777"]
    assert crowd.titles(q="77777", sort="relevance") == ["Web pages number 77777"]
