"""Every screen, as every role sees it: accessible in both themes, at home at every width, and light."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.website.browser.support.page_checks import assert_light, violations_of
from tests.website.browser.support.visitors import Visitor
from tests.website.support.market import Market
from tests.website.support.scenes import make_scene
from tests.website.support.screens import ORDER_SCREENS, SCREENS, Screen, ScreenData, routes_without_screen


def grouped(name: str, screens: tuple[Screen, ...]) -> list[object]:
    """Screens that one test process looks at."""
    return [pytest.param(screen, id=str(screen), marks=pytest.mark.xdist_group(name)) for screen in screens]


@pytest.fixture(scope="module")
def screen_data(market: Market) -> ScreenData:
    return ScreenData(make_scene(market))


@pytest.fixture(scope="module")
def visitors(browser: Browser, screen_data: ScreenData, market: Market) -> Iterator[dict[str, Visitor]]:
    """Everybody at their browsers, which stay open from test to test."""
    visitors = {who: Visitor(browser, market.site, person) for who, person in screen_data.people.items()}
    yield visitors
    for visitor in visitors.values():
        visitor.close()


@pytest.mark.xdist_group("browser screens")
def test_every_page_of_the_site_is_looked_at() -> None:
    assert routes_without_screen() == set()


@pytest.mark.parametrize(
    "screen", [*grouped("browser screens", SCREENS), *grouped("browser orders", ORDER_SCREENS)]
)
def test_a_screen_is_accessible_fits_every_width_and_is_light(
    screen: Screen, visitors: dict[str, Visitor], screen_data: ScreenData
) -> None:
    visitor = visitors[screen.who]
    page = visitor.open(screen_data.path(screen), screen.status)
    assert_light(page)
    violations = violations_of(page)
    assert not violations, "\n".join(violations)
    visitor.check()
