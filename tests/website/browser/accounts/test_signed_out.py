"""Signed out elsewhere: what is private leaves the screen of every tab, but nothing that was typed."""

from urllib.parse import urlsplit

from playwright.sync_api import Page, expect

from tests.website.browser.conftest import Visit
from tests.website.browser.support.live_pages import without_reload
from tests.website.browser.support.visitors import path_of
from tests.website.support.market import Market
from tests.website.support.scenes import Scene, make_scene


def sign_in(page: Page, scene: Scene) -> None:
    page.get_by_label("E-mail address").fill(scene.customer.email)
    page.get_by_label("Password", exact=True).fill(scene.customer.password)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()


def test_signed_out_elsewhere_every_tab_follows_and_signing_in_leads_back(
    visit: Visit, market: Market
) -> None:
    scene = make_scene(market)
    path = f"/orders/{scene.order()['id']}"
    customer = visit(scene.customer)
    private, public = customer.open(path), customer.context.new_page()
    customer.open("/services", page=public)
    market.ask(scene.customer.api.sign_out_everywhere())
    expect(private.get_by_role("heading", name="Sign in")).to_be_visible()
    assert scene.provider.name not in private.content()
    expect(public.get_by_role("banner").get_by_role("link", name="Sign in")).to_be_visible()
    sign_in(private, scene)
    expect(private.get_by_role("heading", name=scene.service["title"])).to_be_visible()
    assert path_of(private) == path


def test_signed_out_elsewhere_what_was_typed_stays_with_a_word_about_it(visit: Visit, market: Market) -> None:
    scene = make_scene(market)
    page = visit(scene.customer).open(f"/orders/{scene.order()['id']}")
    message, told = page.get_by_label("Message to"), "You were signed out. What you typed is still here."
    message.fill("Half a sentence")
    with without_reload(page):
        market.ask(scene.customer.api.sign_out_everywhere())
        expect(page.locator("#session-note")).to_contain_text(told)
        expect(page.locator("#news")).to_have_text(told)
        expect(message).to_have_value("Half a sentence")
    page.locator("#session-note").get_by_role("button", name="Sign in").click()
    sign_in(page, scene)
    expect(message).to_have_value("Half a sentence")


def test_while_the_site_is_away_a_page_stays_and_asks_no_more_than_its_stream(
    visit: Visit, scene: Scene
) -> None:
    customer = visit(scene.customer)
    customer.ignores_lost_connections = True
    asked: list[str] = []
    page = customer.page
    page.on("request", lambda request: asked.append(urlsplit(request.url).path))
    page.route("**/live/*", lambda route: route.fulfill(status=503))
    with page.expect_request("**/live/events"):
        customer.open("/services")
    with without_reload(page):
        for _ in range(2):
            with page.expect_request("**/live/events"):
                pass
        assert asked.count("/services") == 1
        assert 1 <= asked.count("/live/bell") <= asked.count("/live/events")
