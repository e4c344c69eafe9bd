"""The browser's Back button, after forms that were refused and forms that were taken."""

from playwright.sync_api import expect

from tests.website.browser.conftest import Visit
from tests.website.browser.support import actions
from tests.website.browser.support.visitors import path_of
from tests.website.support.market import Market
from tests.website.support.scenes import Scene, make_scene


def test_back_after_a_wrong_and_a_right_password_leads_on_to_where_one_wanted(
    visit: Visit, scene: Scene
) -> None:
    page = visit().open("/settings")
    page.get_by_label("E-mail address").fill(scene.customer.email)
    for password in ("not my password", scene.customer.password):
        page.get_by_label("Password", exact=True).fill(password)
        with page.expect_navigation():
            page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Settings", exact=True)).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="Settings", exact=True)).to_be_visible()
    assert path_of(page) == "/settings"


def test_a_refused_form_can_be_loaded_again_and_come_back_to(visit: Visit, scene: Scene) -> None:
    page = visit(scene.provider).open(f"/dashboard/services/{scene.service['id']}")
    page.get_by_label("Price").fill("much")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.reload()
    expect(page.get_by_role("alert")).to_have_count(0)
    page.get_by_label("Price").fill("46.50")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Your changes are saved.")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="Edit service")).to_be_visible()


def test_a_refused_step_of_an_order_leaves_the_orders_own_address(visit: Visit, scene: Scene) -> None:
    path = f"/orders/{scene.order(talk=False)['id']}"
    page = visit(scene.provider).open(path)
    page.locator("summary", has_text="Decline").click()
    page.locator("#act-decline textarea").evaluate("(field) => { field.required = false; }")
    page.locator("#act-decline").get_by_role("button").click()
    expect(page.locator("#act-decline [role=alert]")).to_be_visible()
    assert path_of(page) == path
    actions.write(page, "One moment, please.")
    page.go_back()
    expect(page.get_by_role("heading", name=scene.service["title"])).to_be_visible()


def test_publishing_again_what_is_there_after_back_is_the_same_service(visit: Visit, market: Market) -> None:
    petra = market.person("Petra Twice")
    page = visit(petra).open("/dashboard/services/new")
    actions.fill_service(page, "Letters by hand")
    for _ in range(2):
        page.get_by_role("button", name="Publish").click()
        expect(page.get_by_role("heading", name="Letters by hand", level=1)).to_be_visible()
        page.go_back()
        expect(page.get_by_label("Price")).to_have_value("45")
    assert len(market.ask(petra.api.own_services())["data"]) == 1
    page.get_by_label("Title").fill("Letters by typewriter")
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_role("heading", name="Letters by typewriter", level=1)).to_be_visible()
    assert len(market.ask(petra.api.own_services())["data"]) == 2


def test_ordering_again_what_is_there_after_back_is_the_same_order(visit: Visit, scene: Scene) -> None:
    page = visit(scene.customer).open(f"/services/{scene.service['id']}/order")
    page.get_by_label("What do you need?").fill("A page, once.")
    orders = set()
    for _ in range(2):
        page.get_by_role("button", name="Submit order").click()
        expect(page.get_by_text("Your request is sent.")).to_be_visible()
        orders.add(path_of(page))
        page.go_back()
        expect(page.get_by_label("What do you need?")).to_have_value("A page, once.")
    assert len(orders) == 1


def test_what_was_undone_can_be_done_again_from_a_page_further_back(visit: Visit, market: Market) -> None:
    scene = make_scene(market)
    page = visit(scene.provider).open(f"/services/{scene.service['id']}")
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Make active again").click()
    expect(page.get_by_text("Your service is active again.")).to_be_visible()
    for _ in range(2):
        page.go_back()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Make active again")).to_be_visible()
    assert scene.market.ask(scene.provider.api.service(scene.service["id"]))["status"] == "paused"
