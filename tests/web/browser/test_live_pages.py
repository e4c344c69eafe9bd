"""Open pages that change under somebody's eyes: nothing contradicts itself, and nothing typed is lost."""

from playwright.sync_api import expect

from tests.web.browser.conftest import Visit
from tests.web.browser.live import without_reload
from tests.web.browser.market import Market
from tests.web.browser.scenes import make_scene


def test_the_first_order_turns_my_orders_to_the_provider_tab_and_list_alike(
    visit: Visit, market: Market
) -> None:
    scene = make_scene(market)
    page = visit(scene.provider).open("/orders")
    chosen = page.get_by_role("navigation", name="Role").locator("[aria-current=page]")
    expect(chosen).to_have_text("As customer")
    with without_reload(page):
        order = scene.order(talk=False)
        expect(page.get_by_role("region", name="Orders")).to_contain_text(order["number"])
        expect(chosen).to_have_text("As provider")
    statuses = page.get_by_role("navigation", name="Filters").get_by_role("link", name="Pending")
    assert "role=provider" in (statuses.get_attribute("href") or "")
