"""What a careless hand or a moving page must not spoil: double clicks, going back, half-written texts."""

from collections.abc import Coroutine
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from client.resources import Listing
from tests.website.browser.conftest import Visit
from tests.website.browser.support import actions
from tests.website.browser.support.live_pages import without_reload
from tests.website.support.scenes import APPROVED, COMPLETED, PAID, Scene

BOTH = pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])


def count(scene: Scene, call: Coroutine[Any, Any, Listing[Any]]) -> int:
    """How many there are of something."""
    return len(scene.market.ask(call)["data"])


@BOTH
def test_a_double_click_orders_writes_and_moves_once(visit: Visit, scene: Scene, scripts: bool) -> None:
    customer, provider = scene.customer.api, scene.provider.api
    visitor = visit(scene.customer, java_script_enabled=scripts)
    before = count(scene, customer.orders(role="customer", limit=100))
    page = visitor.open(f"/services/{scene.service['id']}/order")
    page.get_by_label("What do you need?").fill("A page of text, once.")
    page.get_by_role("button", name="Submit order").dblclick()
    expect(page.get_by_text("Your request is sent.")).to_be_visible()
    assert count(scene, customer.orders(role="customer", limit=100)) == before + 1

    order_id = page.url.partition("#")[0].rpartition("/")[2]
    page.get_by_label("Message to").fill("Said once.")
    page.get_by_role("button", name="Send message").dblclick()
    expect(actions.thread(page).get_by_text("Said once.")).to_have_count(1)
    assert count(scene, customer.messages(order_id)) == 1

    other = visit(scene.provider, java_script_enabled=scripts)
    page = other.open(f"/orders/{order_id}")
    page.get_by_role("button", name="Approve order").dblclick()
    expect(page.get_by_text("You approved the order.")).to_be_visible()
    page.locator("summary", has_text="Mark work completed").click()
    page.locator("#order-actions details[open]").get_by_role("button").dblclick()
    expect(page.get_by_text("You marked the work as completed.")).to_be_visible()
    assert count(scene, provider.transitions(order_id)) == 3


@BOTH
def test_a_double_click_pays_reviews_replies_and_refunds_once(
    visit: Visit, scene: Scene, scripts: bool
) -> None:
    order = scene.order(*COMPLETED, talk=False)
    page = visit(scene.customer, java_script_enabled=scripts).open(f"/orders/{order['id']}")
    page.locator("#order-payment").get_by_role("button", name="Pay").dblclick()
    expect(page.locator("#order-payment")).to_contain_text("Paid")
    page.locator("#order-review label", has_text="5 star").click()
    page.get_by_role("button", name="Submit Review").dblclick()
    expect(page.get_by_text("Thank you for your review!")).to_be_visible()
    assert count(scene, scene.customer.api.payments(order["id"])) == 1

    page = visit(scene.provider, java_script_enabled=scripts).open(f"/orders/{order['id']}")
    page.locator("summary", has_text="Reply").click()
    panel = page.locator("#order-review")
    panel.get_by_role("textbox").fill("Thank you, once.")
    panel.get_by_role("button", name="Publish reply").dblclick()
    expect(page.get_by_text("Your reply is published.")).to_be_visible()
    page.locator("summary", has_text="Give money back").click()
    page.get_by_label("Amount in EUR").fill("5")
    page.get_by_label("Why?").fill("A discount, once.")
    page.locator("#order-payment").get_by_role("button", name="Give money back").dblclick()
    expect(page.get_by_text("The money is on its way back.")).to_be_visible()
    payments = scene.market.ask(scene.customer.api.payments(order["id"]))["data"]
    assert [refund["amount"]["amount"] for refund in payments[0]["refunds"]] == [500]


@BOTH
def test_a_double_click_publishes_and_asks_for_a_payout_once(
    visit: Visit, scene: Scene, scripts: bool
) -> None:
    scene.order(*PAID, talk=False)
    scene.wait_for_earnings()
    before = count(scene, scene.provider.api.own_services(limit=100))
    payouts = count(scene, scene.provider.api.payouts(limit=100))
    visitor = visit(scene.provider, java_script_enabled=scripts)
    page = visitor.open("/dashboard/services/new")
    actions.fill_service(page, "Letters by hand, once")
    page.get_by_role("button", name="Publish").dblclick()
    expect(page.get_by_role("heading", name="Letters by hand, once").first).to_be_visible()
    assert count(scene, scene.provider.api.own_services(limit=100)) == before + 1
    page = visitor.open("/dashboard")
    page.get_by_label("Amount").fill("1")
    page.get_by_role("button", name="Ask for payout").dblclick()
    expect(page.get_by_text("You asked for a payout.")).to_be_visible()
    assert count(scene, scene.provider.api.payouts(limit=100)) == payouts + 1


def test_a_half_written_message_survives_what_the_other_does(visit: Visit, scene: Scene) -> None:
    order = scene.order(talk=False)
    provider = visit(scene.provider)
    page = provider.open(f"/orders/{order['id']}")
    message = page.get_by_label("Message to")
    message.fill("Half a sen")
    page.locator("summary", has_text="Decline").click()
    reason = page.locator("#order-actions details[open]").get_by_role("textbox")
    reason.fill("Because")
    reason.focus()
    with without_reload(page):
        scene.market.ask(scene.customer.api.post_message(order["id"], "Are you there?"))
        expect(actions.thread(page).get_by_text("Are you there?")).to_be_visible()
        scene.market.ask(scene.customer.api.transition(order["id"], "withdraw"))
        expect(page.locator("#order-head")).to_contain_text("Cancelled")
        expect(message).to_have_value("Half a sen")
        expect(reason).to_have_value("Because")
        message.press("End")
        page.keyboard.type("tence.")
        expect(message).to_have_value("Half a sentence.")


def test_what_was_typed_is_there_again_after_a_detour_and_gone_once_sent(visit: Visit, scene: Scene) -> None:
    customer = visit(scene.customer)
    path = f"/services/{scene.service['id']}/order"
    customer.open(path).get_by_label("What do you need?").fill("A long text that took an hour.")
    page = customer.open("/help")
    page.go_back()
    requirements(page).to_have_value("A long text that took an hour.")
    customer.open(path)
    requirements(page).to_have_value("A long text that took an hour.")
    page.get_by_role("button", name="Submit order").click()
    expect(page.get_by_text("Your request is sent.")).to_be_visible()
    customer.open(path)
    requirements(page).to_have_value("")


def test_a_review_survives_the_payment_and_sending_it_leaves_other_drafts(visit: Visit, scene: Scene) -> None:
    path = f"/orders/{scene.order(*COMPLETED, talk=False)['id']}"
    page = visit(scene.customer).open(path)
    page.get_by_label("Message to").fill("One more thing:")
    review = page.locator("#order-review")
    review.locator("label", has_text="4 stars").click()
    review.get_by_label("How was it?").fill("Calm and precise.")
    actions.pay(page, "Test card that works")
    expect(page.locator("#order-payment")).to_contain_text("Receipt")
    expect(review.get_by_role("radio", name="4 stars")).to_be_checked()
    expect(review.get_by_label("How was it?")).to_have_value("Calm and precise.")
    review.get_by_role("button", name="Submit Review").click()
    expect(page.get_by_text("Thank you for your review!")).to_be_visible()
    expect(page.get_by_label("Message to")).to_have_value("One more thing:")
    drafts = page.evaluate("Object.keys(localStorage).filter((name) => name.startsWith('draft:')).join(' ')")
    assert ":message-" in drafts and ":review-" not in drafts and ":stars-" not in drafts


def test_a_note_survives_a_detour_and_steps_taken_elsewhere(visit: Visit, scene: Scene) -> None:
    order = scene.order(*APPROVED, talk=False)
    provider, typed = visit(scene.provider), "The draft is in your inbox"
    page = provider.open(f"/orders/{order['id']}")
    page.locator("summary", has_text="Mark work completed").click()
    note = page.locator("#act-complete_work").get_by_role("textbox")
    note.fill(typed)
    provider.open("/help")
    provider.open(f"/orders/{order['id']}")
    expect(note).to_have_value(typed)
    with without_reload(page):
        scene.market.ask(scene.provider.api.transition(order["id"], "complete_work"))
        page.get_by_role("button", name="Show how it stands now").click()
        expect(note).to_have_count(0)
        scene.market.ask(
            scene.customer.api.transition(order["id"], "request_changes", reason="It is not there.")
        )
        expect(note).to_have_value(typed)


def test_after_the_back_button_a_changed_form_is_another_request(visit: Visit, scene: Scene) -> None:
    order = scene.order(*APPROVED, talk=False)
    page = visit(scene.customer).open(f"/orders/{order['id']}")
    actions.write(page, "The first message.")
    page.go_back()
    actions.write(page, "Another message.")
    expect(actions.thread(page).get_by_text("The first message.")).to_have_count(1)
    assert count(scene, scene.customer.api.messages(order["id"])) == 2


def test_signing_out_leaves_nothing_behind_the_back_button(visit: Visit, scene: Scene) -> None:
    order = scene.order(talk=False)
    page = visit(scene.customer).open(f"/orders/{order['id']}")
    page.locator("summary", has_text="Menu of").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert scene.customer.name not in page.content()


def requirements(page: Page) -> Any:
    """Expectations of the field for requirements."""
    return expect(page.get_by_label("What do you need?"))
