"""Staying signed in: across expiring tokens, several tabs, and a site that goes away and comes back."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.support.servers import not_run
from tests.website.browser.conftest import Visit
from tests.website.browser.support.chromium import find_chromium
from tests.website.browser.support.live_pages import expect_unread, without_reload
from tests.website.browser.support.visitors import path_of
from tests.website.support.market import Market
from tests.website.support.scenes import Scene, make_scene

SHORT = {"ACCESS_TOKEN_SECONDS": "5"}  # renewed by every single page, and streams end all the time
ASK_TOGETHER = """
() => Promise.all([...Array(6)].map(async () => {
  const answer = await fetch("/live/bell");
  return answer.ok && !answer.redirected;
}))
"""


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    """A marketplace whose access tokens last for moments."""
    if find_chromium() is None:
        not_run("Chromium")
    with Market(tmp_path_factory.mktemp("short"), **SHORT) as market:
        yield market


@pytest.fixture
def scene(market: Market) -> Scene:
    return make_scene(market)


def test_tabs_that_renew_the_session_at_once_never_sign_each_other_out(visit: Visit, scene: Scene) -> None:
    provider = visit(scene.provider)
    tabs = [provider.page, provider.context.new_page(), provider.context.new_page()]
    for tab in tabs:
        provider.open("/", page=tab)
    for _ in range(3):
        asked = [tab.evaluate_handle(f"window.asked = ({ASK_TOGETHER})(), 0") for tab in tabs]
        assert len(asked) == len(tabs)
        assert [tab.evaluate("window.asked") for tab in tabs] == [[True] * 6] * len(tabs)
    for tab in tabs:
        provider.open("/", page=tab)
        expect(tab.get_by_text(f"Menu of {scene.provider.name}")).to_be_attached()


def test_an_open_page_stays_live_when_its_stream_ends_with_the_access_token(
    visit: Visit, scene: Scene
) -> None:
    provider = visit(scene.provider)
    with provider.page.expect_request("**/live/events"):
        provider.open("/services")
    with provider.page.expect_request("**/live/events"):
        pass  # the first stream ended; the browser came back by itself
    with without_reload(provider.page):
        scene.order(talk=False)
        expect_unread(provider.page, 1)


def test_signing_out_in_one_tab_signs_out_the_other_without_a_trace(visit: Visit, scene: Scene) -> None:
    provider = visit(scene.provider)
    first, second = provider.open("/services"), provider.context.new_page()
    provider.open("/help", page=second)
    first.locator("summary", has_text="Menu of").click()
    first.get_by_role("button", name="Sign out").click()
    expect(first.get_by_text("You are signed out.")).to_be_visible()
    expect(second.get_by_role("banner").get_by_role("link", name="Sign in")).to_be_visible()
    assert path_of(second) == "/help"
    assert scene.provider.name not in second.content()
    provider.open("/notifications", page=second)
    expect(second.get_by_role("heading", name="Sign in")).to_be_visible()
    second.go_back()
    expect(second.get_by_role("heading", name="Help", level=1)).to_be_visible()
    assert scene.provider.name not in second.content()


def test_an_open_page_becomes_live_again_after_the_site_was_away(
    visit: Visit, scene: Scene, market: Market
) -> None:
    provider = visit(scene.provider)
    provider.ignores_lost_connections = True
    provider.open("/services")
    with without_reload(provider.page):
        market.process.kill()
        market.process.start()
        scene.order(talk=False)
        expect_unread(provider.page, 1)
        scene.order(talk=False)
        expect_unread(provider.page, 2)
