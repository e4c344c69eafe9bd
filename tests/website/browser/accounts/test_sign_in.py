"""At the entrance: the browser's own time zone, and the focus where something is wrong."""

import pytest
from playwright.sync_api import expect

from tests.website.browser.conftest import Visit
from tests.website.browser.support import actions
from tests.website.support.scenes import COMPLETED, Scene


def test_a_new_account_has_the_browsers_time_zone(visit: Visit) -> None:
    visitor = visit(timezone_id="Asia/Tokyo")
    actions.sign_up(visitor, "Toshi")
    page = visitor.open("/settings")
    expect(page.get_by_label("Time zone")).to_have_value("Asia/Tokyo")


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_the_focus_is_on_the_first_of_several_wrong_fields(visit: Visit, scripts: bool) -> None:
    page = visit(java_script_enabled=scripts).open("/sign-up")
    page.get_by_label("Your name").fill(" ")
    page.get_by_label("E-mail address").fill("nobody@nowhere")
    page.get_by_label("Password", exact=True).fill("1234567890")
    with page.expect_navigation():
        page.get_by_role("main").get_by_role("button", name="Sign up").click()
    expect(page.locator("#display_name-error, #email-error").first).to_be_visible()
    expect(page.locator(".wrong input").first).to_be_focused()
    expect(page.get_by_label("Your name")).to_be_focused()


def test_after_a_wrong_password_the_focus_is_on_the_password(visit: Visit) -> None:
    page = visit().open("/sign-in")
    expect(page.get_by_label("E-mail address")).to_be_focused()
    page.get_by_label("E-mail address").fill("nobody@example.com")
    page.get_by_label("Password", exact=True).fill("not a password")
    page.get_by_label("Password", exact=True).press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("Password", exact=True)).to_be_focused()


def test_the_focus_is_on_what_is_wrong_in_an_order(visit: Visit, scene: Scene) -> None:
    page = visit(scene.customer).open(f"/orders/{scene.order(*COMPLETED, talk=False)['id']}")
    page.locator("#order-review form").evaluate("(form) => { form.noValidate = true; }")
    page.get_by_role("button", name="Submit Review").click()
    expect(page.locator("#order-review [role=alert]")).to_be_visible()
    expect(page.get_by_role("radio", name="1 star")).to_be_focused()
