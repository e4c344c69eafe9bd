"""One journey by keyboard alone: no mouse, and the focus is always seen."""

from playwright.sync_api import Page, expect

from tests.website.browser.conftest import Visit
from tests.website.browser.support.keyboard import enter, focused, press, tab_to
from tests.website.support.market import PASSWORD
from tests.website.support.scenes import Scene


def test_a_customer_orders_confirms_pays_and_reviews_by_keyboard_alone(visit: Visit, scene: Scene) -> None:
    customer = visit()
    page = customer.open("/")
    skip_to_content(page)
    customer.open("/help")
    press(page, "Sign in")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    if not focused(page).startswith("E-mail address"):
        tab_to(page, "E-mail address")
    page.keyboard.type(scene.customer.email)
    enter(page, "Password", PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="My Orders")).to_be_visible()

    enter(page, "Find a service", scene.service["title"])
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Services", exact=True)).to_be_visible()
    press(page, scene.service["title"])
    expect(page.get_by_role("heading", name=scene.service["title"], level=1)).to_be_visible()
    press(page, "Order")
    expect(page.get_by_label("What do you need?")).to_be_visible()
    enter(page, "What do you need?", "A page of text, please.")
    press(page, "Submit order", "Space")
    expect(page.get_by_text("Your request is sent.")).to_be_visible()
    enter(page, "Message to", "Thank you in advance.")
    press(page, "Send message")
    expect(page.locator("#order-thread").get_by_text("Thank you in advance.")).to_be_visible()

    order_id = page.url.partition("#")[0].rpartition("/")[2]
    for transition in ("approve", "complete_work"):
        scene.market.ask(scene.provider.api.transition(order_id, transition))
    expect(page.locator("#order-banner")).to_contain_text("Your turn")
    press(page, "Request changes")
    enter(page, "What should be changed?", "The last line.")
    press(page, "Request changes")
    expect(page.get_by_text("You asked for changes.")).to_be_visible()
    scene.market.ask(scene.provider.api.transition(order_id, "complete_work"))
    expect(page.locator("#order-banner")).to_contain_text("Your turn")
    press(page, "Confirm completion")
    expect(page.locator("#order-head")).to_contain_text("Order Completed")

    tab_to(page, "Test card that works")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    assert focused(page).startswith("Test card that works")
    press(page, "Pay", "Space")
    expect(page.locator("#order-payment")).to_contain_text("Paid")
    choose_four_stars(page)
    enter(page, "How was it?", "Quick and kind.")
    press(page, "Submit Review")
    expect(page.locator("#order-review article").get_by_text("Quick and kind.")).to_be_visible()
    sign_out(page)


def skip_to_content(page: Page) -> None:
    """The first Tab offers to skip the header."""
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to content"
    expect(page.get_by_role("link", name="Skip to content")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def choose_four_stars(page: Page) -> None:
    """Stars are radios: arrow keys choose."""
    tab_to(page, "1 star")
    page.keyboard.press("Space")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="4 stars")).to_be_checked()


def sign_out(page: Page) -> None:
    """The menu opens by Enter, closes by Escape with the focus back, and signs out."""
    press(page, "Menu of")
    sign_out_button = page.get_by_role("button", name="Sign out")
    expect(sign_out_button).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    expect(sign_out_button).to_be_hidden()
    assert focused(page) == "Menu of Carla Winter"
    page.keyboard.press("Enter")
    press(page, "Sign out")
    expect(page.get_by_text("You are signed out.")).to_be_visible()
