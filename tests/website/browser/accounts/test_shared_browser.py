"""One browser, two people: nothing one of them typed is done in the other's name, shown to them, or lost."""

import pytest
from playwright.sync_api import Page, expect

from tests.website.browser.conftest import Visit
from tests.website.browser.support import actions
from tests.website.browser.support.live_pages import without_reload
from tests.website.browser.support.visitors import path_of
from tests.website.support.market import Market, Person
from tests.website.support.scenes import Scene, make_scene

BOTH = pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
TYPED = "Ada's words, in 设计 and \U0001d11e."
DRAFTS = "Object.entries(localStorage).filter(([name]) => name.startsWith('draft:')).map(([, text]) => text)"
NEED = "What do you need?"


def sign_out(page: Page) -> None:
    page.locator("summary", has_text="Menu of").click()
    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()


def sign_in(page: Page, person: Person) -> None:
    page.get_by_label("E-mail address").fill(person.email)
    page.get_by_label("Password", exact=True).fill(person.password)
    page.get_by_role("main").get_by_role("button", name="Sign in", exact=True).click()


def end_sessions(market: Market, person: Person) -> None:
    market.ask(person.api.sign_out_everywhere())
    market.ask(person.api.sign_in(person.email, person.password))


def orders_of(scene: Scene, person: Person) -> int:
    return len(scene.market.ask(person.api.orders(role="customer", limit=100))["data"])


def order_path(scene: Scene) -> str:
    return f"/services/{scene.service['id']}/order"


@BOTH
def test_a_form_of_a_person_who_left_is_not_sent_by_the_next_and_waits_for_its_owner(
    visit: Visit, market: Market, scripts: bool
) -> None:
    scene, (bea,) = make_scene(market), market.people("Bea Brandt")
    ada = scene.customer
    visitor = visit(ada, java_script_enabled=scripts)
    first, second = visitor.open(order_path(scene)), visitor.context.new_page()
    first.get_by_label(NEED).fill(TYPED)
    visitor.open("/help", page=second)
    sign_out(second)
    visitor.open("/sign-in", page=second)
    sign_in(second, bea)
    expect(second.get_by_text("Menu of Bea Brandt")).to_be_attached()

    first.get_by_role("button", name="Submit order").click()
    main = first.get_by_role("main")
    expect(main.get_by_role("heading", name="Nothing was sent")).to_be_visible()
    expect(main).to_contain_text("You are signed in as Bea Brandt.")
    expect(main).to_contain_text(f"The form belongs to {ada.name}")
    assert TYPED not in first.content() and orders_of(scene, bea) == orders_of(scene, ada) == 0
    main.get_by_role("link", name="Open the page as Bea Brandt").click()
    expect(first.get_by_label(NEED)).to_have_value("")
    if scripts:
        assert first.evaluate(DRAFTS) == []


@BOTH
def test_its_owner_signs_in_instead_and_finds_the_text(visit: Visit, market: Market, scripts: bool) -> None:
    scene, (bea,) = make_scene(market), market.people("Bea Brandt")
    visitor = visit(scene.customer, java_script_enabled=scripts)
    page = visitor.open(order_path(scene))
    page.get_by_label(NEED).fill(TYPED)
    visitor.sign_in(bea)  # in another tab
    page.get_by_role("button", name="Submit order").click()
    page.get_by_role("button", name=f"Sign out and sign in as {scene.customer.name}").click()
    expect(page.get_by_text(f"the form of {scene.customer.name} was not sent")).to_be_visible()
    sign_in(page, scene.customer)
    expect(page.get_by_text("The form was not sent: check it, and send it.")).to_be_visible()
    expect(page.get_by_label(NEED)).to_have_value(TYPED)
    assert orders_of(scene, scene.customer) == orders_of(scene, bea) == 0
    if scripts:
        assert path_of(page) == order_path(scene) and page.evaluate(DRAFTS) == [TYPED]
    page.get_by_role("button", name="Submit order").click()
    expect(page.get_by_text("Your request is sent.")).to_be_visible()
    expect(page.get_by_text(TYPED)).to_be_visible()
    if scripts:
        assert page.evaluate(DRAFTS) == []


def test_a_draft_is_never_shown_to_the_next_person_and_goes_when_they_sign_in(
    visit: Visit, market: Market
) -> None:
    scene, (bea,) = make_scene(market), market.people("Bea Brandt")
    visitor = visit(scene.customer)
    page = visitor.open(order_path(scene))
    page.get_by_label(NEED).fill(TYPED)
    end_sessions(market, scene.customer)
    visitor.open(order_path(scene))
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert page.evaluate(DRAFTS) == [TYPED], "its owner may come back"
    sign_in(page, bea)
    expect(page.get_by_role("heading", name="Order", exact=True)).to_be_visible()
    assert path_of(page) == order_path(scene)
    expect(page.get_by_label(NEED)).to_have_value("")
    assert page.evaluate(DRAFTS) == []
    visitor.sign_in(scene.customer)
    visitor.open(order_path(scene))
    expect(page.get_by_label(NEED)).to_have_value("")


def test_a_draft_is_kept_under_a_name_that_does_not_tell_whose_it_is(visit: Visit, scene: Scene) -> None:
    page = visit(scene.customer).open(order_path(scene))
    page.get_by_label(NEED).fill(TYPED)
    (name,) = page.evaluate("Object.keys(localStorage)")
    assert name.endswith(f":order-{scene.service['id']}")
    assert scene.customer.id not in name and scene.customer.name not in name


def test_drafts_go_with_whoever_signs_out_and_those_of_no_account_at_once(visit: Visit, scene: Scene) -> None:
    visitor = visit(scene.customer)
    page = visitor.open(order_path(scene))
    page.evaluate("localStorage.setItem('draft:order-x', 'from before drafts had accounts')")
    page.get_by_label(NEED).fill(TYPED)
    visitor.open("/help")
    assert page.evaluate(DRAFTS) == [TYPED]
    sign_out(page)
    assert page.evaluate(DRAFTS) == []


@pytest.mark.parametrize("text", ["\U0001d11e" * 2000, TYPED], ids=["4,000 UTF-16 units", "short"])
def test_without_scripts_the_text_survives_a_session_that_ended(
    visit: Visit, market: Market, text: str
) -> None:
    scene = make_scene(market)
    order = scene.order(talk=False)
    page = visit(scene.customer, java_script_enabled=False).open(f"/orders/{order['id']}")
    end_sessions(market, scene.customer)
    page.get_by_label("Message to").fill(text)
    page.get_by_role("button", name="Send message").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text(f"the form of {scene.customer.name} was not sent")
    page.get_by_label("E-mail address").fill(scene.customer.email)
    page.get_by_label("Password", exact=True).fill("not the pass phrase")
    page.get_by_role("main").get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_text("E-mail address and password do not match.")).to_be_visible()
    sign_in(page, scene.customer)
    expect(page.get_by_label("Message to")).to_have_value(text)
    assert scene.market.ask(scene.customer.api.messages(order["id"]))["data"] == []
    page.get_by_role("button", name="Send message").click()
    expect(actions.thread(page).get_by_text(text)).to_be_visible()


def expect_another(page: Page, name: str) -> None:
    note = page.locator("#account-note")
    told = f"\u2068{name}\u2069 is signed in now. This page belongs to another account"
    expect(note).to_contain_text(told)
    expect(page.locator("#news")).to_contain_text(told)
    expect(note.get_by_role("button", name="Reload")).to_be_visible()


def test_an_open_page_says_that_another_account_is_signed_in_and_takes_nothing_of_it(
    visit: Visit, market: Market
) -> None:
    scene, (bea,) = make_scene(market), market.people("Bea Brandt")
    order = scene.order()
    visitor = visit(scene.customer)
    page, other = visitor.open(f"/orders/{order['id']}"), visitor.context.new_page()
    page.get_by_label("Message to").fill("Half a sen")
    with without_reload(page):
        visitor.sign_in(bea)
        visitor.open("/services", page=other)
        expect_another(page, "Bea Brandt")
        expect(page.locator("#account-note")).to_have_count(1)
        assert "Menu of Bea" not in page.content()
        scene.market.ask(scene.provider.api.post_message(order["id"], "A secret of the order"))
        page.get_by_label("Message to").press_sequentially("tence")
        assert other.evaluate(DRAFTS) == [], "no draft is kept of what is typed now"
        expect(page.get_by_label("Message to")).to_have_value("Half a sentence")
    page.locator("#account-note").get_by_role("button", name="Reload").click()
    expect(page.get_by_text("There is no such page")).to_be_visible()


def test_a_page_that_is_looked_at_again_asks_whose_it_is(visit: Visit, market: Market) -> None:
    scene, (bea,) = make_scene(market), market.people("Bea Brandt")
    visitor = visit(scene.customer)
    page = visitor.open("/settings")
    visitor.sign_in(bea)
    page.evaluate("dispatchEvent(new Event('focus'))")
    expect_another(page, "Bea Brandt")
    visitor.sign_in(scene.customer)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("#account-note")).to_have_count(0)


def test_behind_the_back_button_there_is_nothing_of_whoever_signed_out(visit: Visit, market: Market) -> None:
    scene, (bea,) = make_scene(market), market.people("Bea Brandt")
    order = scene.order()
    visitor = visit(scene.customer)
    page = visitor.open(f"/orders/{order['id']}")
    page.get_by_label("Message to").fill(TYPED)
    sign_out(page)
    visitor.open("/sign-in")
    sign_in(page, bea)
    expect(page.get_by_text("Menu of Bea Brandt")).to_be_attached()
    for _ in range(4):
        page.go_back()
        for secret in (TYPED, scene.customer.name, order["number"]):
            assert secret not in page.content(), page.url
