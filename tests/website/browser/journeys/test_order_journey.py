"""The whole way of an order, by two people in two browsers who see each other's steps at once."""

from uuid import uuid4

from playwright.sync_api import Locator, Page, expect

from tests.website.browser.conftest import Visit
from tests.website.browser.support import actions
from tests.website.browser.support.live_pages import expect_unread, without_reload
from tests.website.browser.support.visitors import Visitor


def test_two_people_order_work_pay_and_review_and_see_each_other_live(visit: Visit) -> None:
    petra, carl = visit(), visit()
    actions.sign_up(petra, "Petra Postbox")
    actions.sign_up(carl, "Carl Customer")
    word = f"w{uuid4().hex[:10]}"
    title = f"Letters by hand {word}"
    actions.post_service(petra, title)

    sold, inbox = tab(petra, "/orders?role=provider"), tab(petra, "/messages")
    with without_reload(sold, inbox):
        carls = actions.find_service(carl, word, title)
        path = actions.submit_order(carls, "A letter to my aunt.\nWith a drawing of her cat.")
        expect(row(sold, title)).to_contain_text("Your turn")
        expect(row(sold, title)).to_contain_text("Pending")
        expect_unread(sold, 1)
    bought = tab(carl, "/orders")
    carls_inbox = tab(carl, "/messages")
    petras = tab(petra, path)
    expect(petras.get_by_text("With a drawing of her cat.")).to_be_visible()

    with without_reload(petras, inbox, sold):
        actions.write(carls, "Is blue ink possible?")
        expect(actions.thread(petras).get_by_text("Is blue ink possible?")).to_be_visible()
        expect(inbox.get_by_text("Is blue ink possible?")).to_be_visible()
    with without_reload(carls, carls_inbox):
        actions.write(petras, "Blue it is.")
        expect(actions.thread(carls).get_by_text("Blue it is.")).to_be_visible()
        expect(carls_inbox.get_by_text("Blue it is.")).to_be_visible()

    with without_reload(carls, bought):
        actions.act(petras, "Approve order")
        expect(banner(carls)).to_contain_text("Petra Postbox is working on it")
        expect(status(carls)).to_have_text("Order Placed")
        expect(row(bought, title)).to_contain_text("Order Placed")
    with without_reload(carls, bought):
        actions.act(petras, "Mark work completed", "Sealed and on its way.")
        expect(banner(carls)).to_contain_text("Your turn")
        expect(actions.thread(carls).get_by_text("Sealed and on its way.")).to_be_visible()
        expect(row(bought, title)).to_contain_text("Your turn")
    with without_reload(petras, sold):
        actions.act(carls, "Request changes", "The aunt is called Erna.")
        expect(banner(petras)).to_contain_text("Your turn")
        expect(actions.thread(petras).get_by_text("The aunt is called Erna.")).to_be_visible()
        expect(row(sold, title)).to_contain_text("Your turn")
    with without_reload(carls):
        actions.act(petras, "Mark work completed", "")
        expect(status(carls)).to_have_text("Work Completed")
    with without_reload(petras, sold):
        actions.act(carls, "Confirm completion")
        expect(status(petras)).to_have_text("Order Completed")
        expect(row(sold, title)).to_contain_text("Order Completed")

    with without_reload(petras, sold):
        pay_at_the_third_try(carls)
        expect(petras.locator("#order-payment")).to_contain_text("Paid")
        expect(row(sold, title)).to_contain_text("Paid")
    with without_reload(petras):
        actions.submit_review(carls, 4, "Aunt Erna cried.")
        expect(petras.locator("#order-review").get_by_text("Aunt Erna cried.")).to_be_visible()
    with without_reload(carls):
        reply(petras, "So did I.")
        expect(carls.locator("#order-review").get_by_text("So did I.")).to_be_visible()
    with without_reload(petras, sold):
        actions.write(carls, "Until next time.")  # at every stage
        expect(actions.thread(petras).get_by_text("Until next time.")).to_be_visible()

    carls.get_by_role("link", name="Petra Postbox").first.click()
    expect(carls.get_by_role("heading", name="Petra Postbox", level=1)).to_be_visible()
    expect(carls.get_by_text("Aunt Erna cried.")).to_be_visible()
    expect(carls.get_by_text("So did I.")).to_be_visible()


def tab(visitor: Visitor, path: str) -> Page:
    """Another tab of somebody's browser."""
    return visitor.open(path, page=visitor.context.new_page())


def row(page: Page, title: str) -> Locator:
    """An order in My Orders."""
    return page.locator("#orders-list li", has_text=title)


def banner(page: Page) -> Locator:
    """What is needed now."""
    return page.locator("#order-banner")


def status(page: Page) -> Locator:
    """The status that an order's page shows at its top."""
    return page.locator("#order-head .badge").first


def pay_at_the_third_try(page: Page) -> None:
    """Once declined, once called off by the customer, then paid."""
    actions.pay(page, "Test card that is declined")
    expect(page.get_by_role("alert")).to_contain_text("declined")
    for answer in ("No", "Yes, pay"):
        actions.pay(page, "Test card that asks you to confirm")
        page.get_by_role("button", name=answer, exact=True).click()
        expect(page.locator("#order-payment")).to_be_visible()
    expect(page.locator("#order-payment")).to_contain_text("Paid")


def reply(page: Page, text: str) -> None:
    """Replies to the review on an order's page."""
    panel = page.locator("#order-review")
    panel.locator("summary", has_text="Reply").click()
    panel.get_by_role("textbox").fill(text)
    panel.get_by_role("button", name="Publish reply").click()
    expect(panel.get_by_text(text)).to_be_visible()
