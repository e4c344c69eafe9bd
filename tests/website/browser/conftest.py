"""Browsers and a marketplace for the tests of this folder: one of each for a test process."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.support.servers import not_run
from tests.website.browser.support.chromium import chromium, find_chromium
from tests.website.browser.support.visitors import Visitor
from tests.website.support.market import Market, Person
from tests.website.support.scenes import Scene, make_scene

FOLDER = Path(__file__).parent

Visit = Callable[..., Visitor]


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The tests of a module stay together: one browser, one scene."""
    for item in items:
        if FOLDER in item.path.parents and item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(f"browser {item.path.stem}"))


@pytest.fixture(scope="session")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    """An embedded marketplace, empty at first."""
    if find_chromium() is None:
        not_run("Chromium")
    with Market(tmp_path_factory.mktemp("market")) as market:
        yield market


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser. It ends with its module: while it runs, nothing else in this thread can use asyncio."""
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def scene(market: Market) -> Scene:
    """Three new people and a service."""
    return make_scene(market)


@pytest.fixture
def visit(browser: Browser, market: Market) -> Iterator[Visit]:
    """Lets somebody visit the site: `visit(person)`, or `visit()` for somebody who is not signed in."""
    visitors: list[Visitor] = []

    def visit(person: Person | None = None, site: str = market.site, **options: Any) -> Visitor:
        visitors.append(Visitor(browser, site, person, **options))
        return visitors[-1]

    yield visit
    for visitor in visitors:
        visitor.close()
    for visitor in visitors:
        visitor.check()
