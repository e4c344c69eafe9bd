"""Open pages that change under somebody's eyes: nothing contradicts itself, and nothing typed is lost."""

import pytest
from playwright.sync_api import expect

from tests.website.browser.conftest import Visit
from tests.website.browser.support.live_pages import without_reload
from tests.website.support.market import Market
from tests.website.support.scenes import Scene, make_scene

CHANGED = "This part has changed since."
SHOW = "Show how it stands now"


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


@pytest.mark.parametrize(
    ("who", "step", "status", "focused"),
    [
        ("customer", "withdraw", "Cancelled", "#main"),
        ("provider", "approve", "Order Placed", "#order-actions"),
    ],
)
def test_a_part_with_unsent_text_says_that_it_has_changed_and_shows_how_it_stands_when_asked(
    visit: Visit, scene: Scene, who: str, step: str, status: str, focused: str
) -> None:
    order = scene.order(talk=False)
    page = visit(scene.provider).open(f"/orders/{order['id']}")
    actions = page.locator("#order-actions")
    actions.locator("summary", has_text="Decline").click()
    reason = actions.locator("details[open]").get_by_role("textbox")
    reason.fill("I am away")
    with without_reload(page):
        scene.market.ask(getattr(scene, who).api.transition(order["id"], step))
        note = page.locator("#order-actions-note")
        expect(note.get_by_text(CHANGED)).to_have_text(f"{CHANGED} What you typed is still here.")
        expect(page.locator("#news")).to_have_text(f"{CHANGED} What you typed is still here.")
        expect(page.locator("#order-head")).to_contain_text(status)
        expect(reason).to_have_value("I am away")
        note.get_by_role("button", name=SHOW).press("Enter")
        expect(actions.get_by_text("Approve order")).to_have_count(0)
        expect(page.locator(focused)).to_be_focused()
        expect(note).to_have_count(0)
        scene.market.ask(scene.customer.api.post_message(order["id"], "I found somebody else."))
        expect(page.locator("#order-thread")).to_contain_text("I found somebody else.")
        expect(note).to_have_count(0)


def test_a_part_that_only_has_the_focus_is_shown_as_it_stands_once_that_leaves(
    visit: Visit, scene: Scene
) -> None:
    order = scene.order(talk=False)
    page = visit(scene.provider).open(f"/orders/{order['id']}")
    page.get_by_role("button", name="Approve order").focus()
    with without_reload(page):
        scene.market.ask(scene.customer.api.transition(order["id"], "withdraw"))
        note = page.locator("#order-actions-note")
        expect(note.get_by_text(CHANGED)).to_have_text(CHANGED)
        page.get_by_label("Message to").focus()
        expect(page.get_by_role("button", name="Approve order")).to_have_count(0)
        expect(note).to_have_count(0)
