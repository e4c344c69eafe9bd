"""The whole journey with JavaScript switched off: only what is new has to be asked for."""

from uuid import uuid4

from playwright.sync_api import expect

from tests.website.browser.conftest import Visit
from tests.website.browser.support import actions


def test_two_people_order_work_pay_and_review_without_javascript(visit: Visit) -> None:
    petra, carl = visit(java_script_enabled=False), visit(java_script_enabled=False)
    actions.sign_up(petra, "Petra Plain")
    actions.sign_up(carl, "Carl Plain")
    word = f"w{uuid4().hex[:10]}"
    title = f"Letters by hand {word}"
    actions.post_service(petra, title)
    carls = actions.find_service(carl, word, title)
    path = actions.submit_order(carls, "A letter to my aunt.")

    petras = petra.open("/orders?role=provider")
    petras.get_by_role("link", name=title).click()
    actions.write(petras, "Which ink?")
    actions.act(petras, "Approve order")
    carls.reload()
    expect(actions.thread(carls).get_by_text("Which ink?")).to_be_visible()
    expect(carls.locator("#order-head")).to_contain_text("Order Placed")
    actions.act(petras, "Mark work completed", "Sealed.")
    carls.reload()
    actions.act(carls, "Request changes", "Her name is Erna.")
    petras.reload()
    actions.act(petras, "Mark work completed", "")
    carls.reload()
    actions.act(carls, "Confirm completion")
    actions.pay(carls, "Test card that is declined")
    expect(carls.get_by_role("alert")).to_contain_text("declined")
    actions.pay(carls, "Test card that asks you to confirm")
    carls.get_by_role("button", name="Yes, pay").click()
    expect(carls.locator("#order-payment")).to_contain_text("Paid")
    actions.submit_review(carls, 5, "Aunt Erna cried.")
    petras = petra.open(path.removeprefix(petra.site))
    expect(petras.locator("#order-review").get_by_text("Aunt Erna cried.")).to_be_visible()
    petras.locator("summary", has_text="Menu of").click()
    petras.get_by_role("button", name="Sign out").click()
    expect(petras.get_by_text("You are signed out.")).to_be_visible()
