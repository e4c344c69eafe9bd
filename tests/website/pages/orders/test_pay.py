"""Paying, receipts, refunds and reviews on an order's page: over HTTP, without a browser."""

import time
from collections.abc import Iterator

import pytest

from client.resources import Order
from tests.website.support import scenes
from tests.website.support.market import Market, Person
from tests.website.support.scenes import Scene, make_scene
from tests.website.support.site_client import PATIENCE_SECONDS, PageResponse, SiteClient


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    with Market(
        tmp_path_factory.mktemp("paying"), SANDBOX_CALLBACK_SECONDS="1", PAYMENT_CHECK_SECONDS="1"
    ) as market:
        yield market


@pytest.fixture(scope="module")
def scene(market: Market) -> Scene:
    return make_scene(market)


@pytest.fixture(scope="module")
def customer(scene: Scene) -> SiteClient:
    return SiteClient(scene.market, scene.customer)


@pytest.fixture(scope="module")
def provider(scene: Scene) -> SiteClient:
    return SiteClient(scene.market, scene.provider)


@pytest.fixture
def order(scene: Scene) -> Order:
    return scene.order(*scenes.COMPLETED, talk=False)


def shows(visitor: SiteClient, order: Order, text: str, region: str = "order-payment") -> PageResponse:
    """The order's page once it shows something there, which may take an event."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while text not in (page := visitor.open(f"/orders/{order['id']}")).text(region):
        assert time.monotonic() < give_up_at, page.text(region)
        time.sleep(0.1)
    return page


def pay(visitor: SiteClient, order: Order, method: str) -> PageResponse:
    page = visitor.open(f"/orders/{order['id']}")
    return visitor.send(page.form("/payments"), method=method)


def test_nothing_is_paid_before_the_order_is_completed(customer: SiteClient, scene: Scene) -> None:
    early = scene.order(*scenes.DELIVERED, talk=False)
    page = customer.open(f"/orders/{early['id']}")
    assert page.text("order-payment") == "" and page.text("order-review") == ""
    refused = customer.post(f"/orders/{early['id']}/payments", {"method": "sandbox_ok"})
    assert refused.status == 422


def test_only_the_customer_is_asked_to_pay(customer: SiteClient, provider: SiteClient, order: Order) -> None:
    page = customer.open(f"/orders/{order['id']}")
    assert "Your turn: pay" in page.text("order-banner")
    for words in ("Test card that works", "Test card that is declined", "asks you to confirm", "Pay €45.00"):
        assert words in page.text("order-payment")
    theirs = provider.open(f"/orders/{order['id']}")
    assert not theirs.has_form("/payments") and "Carla Winter pays €45.00" in theirs.text("order-payment")


def test_a_payment_sent_twice_is_one(
    customer: SiteClient, provider: SiteClient, scene: Scene, order: Order
) -> None:
    form = customer.open(f"/orders/{order['id']}").form("/payments")
    for _ in range(2):
        assert customer.send(form, method="sandbox_ok").status == 200
    paid = scene.market.ask(scene.customer.api.payments(order["id"]))["data"]
    assert [payment["status"] for payment in paid] == ["paid"]
    page = customer.open(f"/orders/{order['id']}")
    assert not page.has_form("/payments") and "Receipt" in page.text("order-payment")
    assert "How was it?" in page.text("order-banner") and "Fee" not in page.text("order-payment")
    theirs = shows(provider, order, "Receipt").text("order-payment")
    assert "€4.50" in theirs and "€40.50" in theirs


def test_a_declined_payment_can_be_tried_again(customer: SiteClient, order: Order) -> None:
    refused = pay(customer, order, "sandbox_declined")
    assert refused.status == 422 and "Nothing was taken" in refused.text("order-payment")
    assert refused.form("/payments").values["method"] == "sandbox_declined"
    page = customer.open(f"/orders/{order['id']}")
    assert "Your payment failed" in page.text("order-banner")
    assert customer.send(page.form("/payments"), method="sandbox_ok").status == 200
    shows(customer, order, "Receipt")


def test_a_second_step_is_for_its_customer_alone(
    customer: SiteClient, provider: SiteClient, order: Order
) -> None:
    step = pay(customer, order, "sandbox_action")
    assert provider.open(step.path).status == 404
    assert provider.send(step.form(step.path), answer="yes").status == 404
    theirs = provider.open(f"/orders/{order['id']}")
    assert step.path not in theirs.html and "One more step" not in theirs.text()
    assert "Being processed" in shows(provider, order, "Being processed").text("order-payment")
    shows(customer, order, "One more step")


def test_a_second_step_is_a_page_of_ours_and_leads_back(customer: SiteClient, order: Order) -> None:
    step = pay(customer, order, "sandbox_action")
    assert step.path.startswith("/pay/") and "€45.00" in step.text()
    assert order["service"]["title"] in step.text() and order["number"] in step.text()
    waiting = shows(customer, order, "One more step")
    assert "one more step to pay" in waiting.text("order-banner")
    assert f'href="{step.path}"' in waiting.html
    assert customer.send(step.form(step.path), answer="no").path == f"/orders/{order['id']}"
    page = shows(customer, order, "Payment failed")
    assert "A payment failed: €45.00" in page.text("order-thread")
    assert "It was declined. Nothing was taken" in page.text("order-payment")
    step = customer.send(page.form("/payments"), method="sandbox_action")
    customer.send(step.form(step.path), answer="yes")
    shows(customer, order, "Receipt")
    assert customer.open(step.path).path == f"/orders/{order['id']}"


@pytest.mark.parametrize("method", ["sandbox_late", "sandbox_timeout"])
def test_a_payment_that_takes_a_while_is_shown_as_such(
    customer: SiteClient, order: Order, method: str
) -> None:
    said = pay(customer, order, method)
    assert said.status == 200 and not said.has_form("/payments")
    shows(customer, order, "Receipt")


def test_a_method_that_nobody_offers_is_refused(customer: SiteClient, order: Order) -> None:
    refused = pay(customer, order, "sandbox_gold")
    assert refused.status == 422 and 'role="alert"' in refused.html


def test_receipts_are_passed_on_to_the_parties_only(
    customer: SiteClient, provider: SiteClient, market: Market, scene: Scene, order: Order
) -> None:
    pay(customer, order, "sandbox_ok")
    payment = scene.market.ask(scene.customer.api.payments(order["id"]))["data"][0]
    for visitor in (customer, provider):
        page = visitor.open(f"/payments/{payment['id']}/receipt")
        assert page.status == 200 and order["number"] in page.html
        assert "style-src 'sha256-" in page.headers["Content-Security-Policy"]
    pdf = customer.open(f"/payments/{payment['id']}/receipt.pdf")
    assert pdf.headers["Content-Type"] == "application/pdf" and pdf.html.startswith("%PDF")
    stranger = SiteClient(market, nosy(market))
    for path in (f"/payments/{payment['id']}/receipt", f"/payments/{payment['id']}/receipt.pdf"):
        assert stranger.open(path).status == 404


def test_the_provider_gives_back_a_part_and_then_the_rest(
    customer: SiteClient, provider: SiteClient, order: Order
) -> None:
    pay(customer, order, "sandbox_ok")
    page = shows(provider, order, "Give money back")
    form = page.form("/refunds")
    assert "Fee €4.50" in page.text("order-payment") and "all that is left, €45.00" in page.text(
        "order-payment"
    )
    for amount in ("4,567.1", "99.00", "0"):
        refused = provider.send(form, amount=amount, reason="A slip")
        assert refused.status == 422 and refused.form("/refunds").values["reason"] == "A slip"
    assert provider.send(form, amount="5.00", reason="Came late").status == 200
    shown = shows(customer, order, "Came late")
    assert "€5.00" in shown.text("order-payment") and not shown.has_form("/refunds")
    page = shows(provider, order, "Partly refunded")
    assert "Fee, before refunds €4.50" in page.text("order-payment")
    assert "all that is left, €40.00" in page.text("order-payment")
    history = page.text("order-thread")
    assert history.index("Order Completed") < history.index("Paid: €45.00") < history.index("Refunded: €5.00")
    assert provider.send(page.form("/refunds"), reason="All of it").status == 200
    assert not shows(provider, order, "Refunded").has_form("/refunds")


def test_a_customer_reviews_changes_it_and_is_answered(
    customer: SiteClient, provider: SiteClient, scene: Scene, order: Order
) -> None:
    page = customer.open(f"/orders/{order['id']}")
    assert "Submit Review" in page.text("order-review") and page.html.count('name="rating"') == 5
    refused = customer.send(page.form("/review"), text="Without stars")
    assert refused.status == 422 and "one to five stars" in refused.text("order-review")
    assert refused.form("/review").values["text"] == "Without stars"
    for _ in range(2):
        seen = customer.send(page.form("/review"), rating="4", text="Good <b>work</b>")
    assert seen.status == 200 and "Good <b>work</b>" in seen.text("order-review")
    assert not seen.has_form("/review")
    edit = seen.form("/review/edit")
    assert edit.values["rating"] == "4"
    assert "Better still" in customer.send(edit, rating="5", text="Better still").text("order-review")

    theirs = provider.open(f"/orders/{order['id']}")
    assert not theirs.has_form("/review/edit")
    assert provider.send(theirs.form("/review/reply"), text="").status == 422
    answered = provider.send(theirs.form("/review/reply"), text="Thank you.")
    assert "Thank you." in answered.text("order-review") and not answered.has_form("/review/reply")
    again = provider.send(theirs.form("/review/reply"), text="And more.")
    assert again.status == 422 and "has its reply already" in again.text() and "And more." in again.text()
    review = scene.market.ask(scene.customer.api.review(order["id"]))
    assert (review["rating"], review["text"]) == (5, "Better still")
    assert review["reply"] is not None and review["reply"]["text"] == "Thank you."


def test_a_second_review_from_another_tab_is_refused_in_words(customer: SiteClient, order: Order) -> None:
    first, second = (customer.open(f"/orders/{order['id']}").form("/review") for _ in range(2))
    assert customer.send(first, rating="5").status == 200
    refused = customer.send(second, rating="1", text="Changed my mind")
    assert refused.status == 422
    assert "has its review already" in refused.text() and "Changed my mind" in refused.text()


def test_strangers_pay_and_review_nothing(customer: SiteClient, market: Market, order: Order) -> None:
    page = customer.open(f"/orders/{order['id']}")
    stranger = SiteClient(market, nosy(market))
    assert stranger.send(page.form("/payments"), method="sandbox_ok").status == 404
    assert stranger.send(page.form("/review"), rating="5").status == 404
    assert stranger.open("/pay/" + "x" * 32).status == 404


def nosy(market: Market) -> Person:
    return market.person("Nosy Parker")
