"""People's own words find the right services, on every kind of database: relevance.toml says which."""

import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from embedded.postgres.server import EmbeddedPostgres
from kit.settings import Settings
from tests.catalog.market import Market
from tests.support.service_harness import make_service, person

SET = tomllib.loads(Path(__file__).with_name("relevance.toml").read_text("utf-8"))
LOCALES = ("C", "C.UTF-8", "en_US.UTF-8", "embedded")
PAGE = 20
LEAST_RECALL, LEAST_RECIPROCAL_RANK = 0.99, 0.97
Query = dict[str, Any]


@contextmanager
def catalog_on(locale: str, folder: Path) -> Iterator[Market]:
    """Catalog on a database of a locale, or on the server of the marketplace in one process."""
    if locale != "embedded":
        with make_service("catalog", locale=locale) as harness:
            yield Market(harness)
        return
    server = EmbeddedPostgres(folder)
    server.start()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("DATABASE_URL", server.url.replace("microtasks_{service}", "postgres"))
        try:
            with make_service("catalog") as harness:
                yield Market(harness)
        finally:
            server.stop()


@pytest.fixture(scope="module", params=LOCALES)
def seeded(
    request: pytest.FixtureRequest, servers: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Market, dict[str, str]]]:
    """Catalog with the services of the set, and their ids here."""
    with catalog_on(request.param, tmp_path_factory.mktemp("embedded")) as market:
        ids = {}
        for number, service in enumerate(SET["services"]):
            provider = person(service.get("provider", f"Provider {number}"))
            texts = {"title": service["title"], "description": service["text"]}
            posted = market.post(provider, **texts, category=service.get("category", "other"))
            ids[posted["id"]] = service["id"]
        yield market, ids


def found(seeded: tuple[Market, dict[str, str]], query: Query, **order: Any) -> list[str]:
    """What the first page shows for a query, by the names of the set."""
    market, names = seeded
    page = market.search(q=query["q"], limit=PAGE, **order)
    return [names[service["id"]] for service in page["data"]]


def wanted(query: Query) -> list[str]:
    """What a query is to find."""
    first = [query["first"]] if "first" in query else []
    return list(dict.fromkeys([*first, *query.get("finds", [])]))


def faults(query: Query, ranked: list[str], newest: list[str]) -> list[str]:
    """What is wrong with the answer to a query."""
    asked = wanted(query)
    within = query.get("within", len(asked))
    wrong = {
        f"missing among the first {within}": set(asked) - set(ranked[:within]),
        "unwanted": set(query.get("not", ())) & set(ranked),
        "not on top": {query["first"]} - set(ranked[:1]) if "first" in query else set(),
        "found where nothing should be": set(ranked) if not asked and "not" not in query else set(),
        "another order finds others": set(ranked) ^ set(newest),
    }
    return [f"{what}: {', '.join(sorted(which))} in {ranked}" for what, which in wrong.items() if which]


def test_words_find_what_people_mean(seeded: tuple[Market, dict[str, str]]) -> None:
    wrong = {}
    for query in SET["queries"]:
        ranked, newest = found(seeded, query, sort="relevance"), found(seeded, query)
        if faulty := faults(query, ranked, newest):
            wrong[query["q"]] = faulty
    assert wrong == {}


def test_recall_and_order_over_the_whole_set(
    seeded: tuple[Market, dict[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    recalls, ranks = [], []
    for query in SET["queries"]:
        if not (asked := wanted(query)):
            continue
        ranked = found(seeded, query, sort="relevance")
        recalls.append(len(set(asked) & set(ranked)) / len(asked))
        right = [place for place, name in enumerate(ranked, 1) if name in asked[:1]]
        ranks.append(1 / right[0] if right else 0)
    recall, reciprocal_rank = sum(recalls) / len(recalls), sum(ranks) / len(ranks)
    with capsys.disabled():
        sys.stdout.write(
            f"\nrelevance of {len(recalls)} queries: recall {recall:.3f}, MRR {reciprocal_rank:.3f}\n"
        )
    assert recall >= LEAST_RECALL
    assert reciprocal_rank >= LEAST_RECIPROCAL_RANK


def test_the_set_is_as_large_as_is_promised() -> None:
    assert len(SET["queries"]) >= 60
    known = {service["id"] for service in SET["services"]}
    named = {name for query in SET["queries"] for name in (*wanted(query), *query.get("not", ()))}
    assert named <= known
