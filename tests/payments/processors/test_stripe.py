"""Stripe by its SDK against a real HTTP server: charges, refunds, payouts, webhooks."""

from collections.abc import Iterator
from typing import Any

import pytest

from kit.errors import Declined, Invalid, NotFound, Unauthenticated, Unavailable
from kit.settings import Settings
from services.payments import contract
from services.payments.processors import stripe as stripe_processor
from services.payments.processors.base import OutcomeUnknown
from tests.payments.processors import local_stripe
from tests.payments.processors.local_stripe import LocalStripe, running_stripe, webhook
from tests.payments.testbed import PaymentsTestbed, started
from tests.support.network import Network
from tests.support.placed_orders import Json, euros, new_id
from tests.support.servers import eventually, free_port

KEYS = {"stripe_secret_key": "sk_test_1", "stripe_webhook_secret": local_stripe.SECRET}


@pytest.fixture(scope="module")
def at_stripe(servers: Settings) -> Iterator[tuple[PaymentsTestbed, LocalStripe]]:
    with running_stripe() as server:
        settings = {"payment_processor": "stripe", "stripe_api_url": server.url, **KEYS}
        with started(**settings) as (harness, orders, chosen):
            yield PaymentsTestbed(harness, orders, chosen), server


@pytest.fixture
def testbed(at_stripe: tuple[PaymentsTestbed, LocalStripe]) -> Iterator[PaymentsTestbed]:
    """Payments at Stripe, with new people."""
    testbed, _ = at_stripe
    yield PaymentsTestbed(testbed.payments, testbed.orders, testbed.settings)
    assert testbed.payments.failed_events() == []
    assert testbed.findings() == []


@pytest.fixture
def server(at_stripe: tuple[PaymentsTestbed, LocalStripe]) -> LocalStripe:
    return at_stripe[1]


def post_webhook(testbed: PaymentsTestbed, posted: tuple[str, str]) -> None:
    """Stripe posts something to the webhook."""
    payload, signature = posted
    testbed.payments.call_as(None, contract.TAKE_STRIPE_WEBHOOK, payload=payload, signature=signature)


def test_a_card_pays_with_a_key_made_of_the_payments_id(
    testbed: PaymentsTestbed, server: LocalStripe
) -> None:
    payment = testbed.pay(testbed.order(), server.payment_method(local_stripe.GOOD_CARD))
    assert (payment["status"], payment["processor"]) == ("paid", "stripe")
    assert server.keys_sent_to("/v1/payment_intents")[-1] == f"payment-{payment['id']}"


def test_a_declined_card_is_told_why(testbed: PaymentsTestbed, server: LocalStripe) -> None:
    order = testbed.order()
    with pytest.raises(Declined) as refused:
        testbed.pay(order, server.payment_method(local_stripe.DECLINED_CARD))
    assert refused.value.data["failure"] == "card_declined"
    assert testbed.pay(order, server.payment_method(local_stripe.GOOD_CARD))["status"] == "paid"


def test_a_card_that_wants_consent_is_sent_to_the_hosted_page(
    testbed: PaymentsTestbed, server: LocalStripe
) -> None:
    with pytest.raises(Declined) as refused:
        testbed.pay(testbed.order(), server.payment_method(local_stripe.CONSENT_CARD))
    assert refused.value.data["failure"] == "authentication_required"


def test_an_unknown_payment_method_is_declined(testbed: PaymentsTestbed) -> None:
    with pytest.raises(Declined):
        testbed.pay(testbed.order(), "pm_nobody")


def test_methods_and_amounts_stripe_does_not_have_are_refused(testbed: PaymentsTestbed) -> None:
    with pytest.raises(Invalid) as refused:
        testbed.pay(testbed.order(), "sandbox_ok")
    assert refused.value.code == "unknown_method"
    with pytest.raises(Invalid) as refused:
        testbed.pay(testbed.order({"amount": 1234, "currency": "KWD"}), "stripe_checkout")
    assert refused.value.code == "amount_not_supported"


def test_the_hosted_page_is_paid_and_a_webhook_tells(testbed: PaymentsTestbed, server: LocalStripe) -> None:
    order = testbed.order({"amount": 700, "currency": "JPY"})
    payment = testbed.pay(order, "stripe_checkout")
    assert payment["status"] == "requires_action"
    assert payment["action_url"].startswith("https://checkout.example/")
    assert server.keys_sent_to("/v1/checkout/sessions") == [f"payment-{payment['id']}"]
    assert server.leads_back_to("cs_0") == {f"http://127.0.0.1:8080/orders/{order.id}"}
    server.pay_session("cs_0", 700, "jpy")
    posted = webhook("checkout.session.completed", {"payment_id": payment["id"]}, "evt_paid")
    for _ in range(2):
        post_webhook(testbed, posted)
    assert testbed.get(payment)["status"] == "paid"
    assert testbed.changes(order).count(("paid", "paid")) == 1
    testbed.refund(payment)
    assert testbed.get(payment)["status"] == "refunded"


def test_a_hosted_page_without_a_visit_expires(testbed: PaymentsTestbed) -> None:
    payment = testbed.pay(testbed.order(), "stripe_checkout")
    testbed.change("payments", payment["id"], "created_at = created_at - interval '25 hours'")
    # Older than Stripe remembers keys, but its name is known, so nothing has to be searched.
    testbed.reconcile()
    assert testbed.get(payment)["status"] == "failed"


def test_refunds_carry_their_key_and_are_not_made_twice(
    testbed: PaymentsTestbed, server: LocalStripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = testbed.pay(testbed.order(), server.payment_method(local_stripe.GOOD_CARD))
    real = testbed.context.processor.refund

    def lose(request: Any, repeated: bool) -> Any:
        real(request, repeated)
        raise OutcomeUnknown("lost")

    monkeypatch.setattr(testbed.context.processor, "refund", lose)
    refund = testbed.refund(payment, euros(500))
    monkeypatch.undo()
    before = server.keys_sent_to("/v1/refunds")
    assert before[-1] == f"refund-{refund['id']}"
    testbed.reconcile()
    assert server.keys_sent_to("/v1/refunds") == before
    assert testbed.get(payment)["refunded"] == euros(500)


def test_payouts_carry_their_key_and_their_end_is_told_by_webhook(
    testbed: PaymentsTestbed, server: LocalStripe
) -> None:
    testbed.release(testbed.pay(testbed.order(), server.payment_method(local_stripe.GOOD_CARD)))
    payout = testbed.pay_out(euros(4050))
    assert payout["status"] == "processing"
    assert server.keys_sent_to("/v1/payouts")[-1] == f"payout-{payout['id']}"
    at_stripe = next(
        one for one in server.api.payouts.list().data if one.metadata["payout_id"] == payout["id"]
    )
    server.api.payouts.cancel(at_stripe.id)
    post_webhook(testbed, webhook("payout.canceled", {"payout_id": payout["id"]}, "evt_payout"))
    assert testbed.balance() == ({"EUR": 4050}, {"EUR": 0})
    assert server.keys_sent_to("/v1/payouts").count(f"payout-{payout['id']}") == 1


def test_a_payout_whose_answer_was_lost_is_found_behind_many_others(
    testbed: PaymentsTestbed, server: LocalStripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stripe_processor, "PAGE_SIZE", 2)
    testbed.release(testbed.pay(testbed.order(), server.payment_method(local_stripe.GOOD_CARD)))
    real = testbed.context.processor.pay_out

    def lose(request: Any, repeated: bool) -> Any:
        real(request, repeated)
        raise OutcomeUnknown("lost")

    lost: Json = {}
    for says in (real, real, real, lose, real, real, real):  # in whatever order they are listed
        monkeypatch.setattr(testbed.context.processor, "pay_out", says)
        payout = testbed.pay_out(euros(100))
        lost = payout if says is lose else lost
    testbed.reconcile()
    assert server.keys_sent_to("/v1/payouts").count(f"payout-{lost['id']}") == 1


def test_a_stripe_that_is_too_slow_is_asked_again_and_charges_once(
    server: LocalStripe, servers: Settings
) -> None:
    """The charge is made, but its answer comes later than anybody waits for it."""
    method = server.payment_method(local_stripe.GOOD_CARD)
    with Network(server.url) as network:
        settings = {"payment_processor": "stripe", "stripe_api_url": network.url(server.url), **KEYS}
        with started(processor_timeout_seconds=1, **settings) as (harness, orders, chosen):
            testbed = PaymentsTestbed(harness, orders, chosen)
            order = testbed.order()
            network.delay(0.8)
            payment = testbed.pay(order, method)
            assert payment["status"] == "processing"
            network.delay(0.0)
            key = f"payment-{payment['id']}"
            eventually(lambda: key in server.keys_sent_to("/v1/payment_intents"), what="Stripe has charged")
            network.cut()
            testbed.reconcile()
            assert testbed.get(payment)["status"] == "paid"
            assert server.keys_sent_to("/v1/payment_intents").count(key) == 2
            assert testbed.entries(order)["customer_funds"] == [-4500]
            assert testbed.findings() == []
    charges = server.api.payment_intents.list({"limit": 100}).data
    made = [one for one in charges if one.metadata.to_dict().get("payment_id") == payment["id"]]
    assert len(made) == 1


AGES = {"age": 600, "future": -600}


@pytest.mark.parametrize("broken", ["signature", "payload", "age", "future", "nonsense", "letters"])
def test_a_forged_changed_old_or_future_webhook_is_refused(
    testbed: PaymentsTestbed, server: LocalStripe, broken: str
) -> None:
    payment = testbed.pay(testbed.order(), "stripe_checkout")
    payload, signature = webhook(
        "checkout.session.completed", {"payment_id": payment["id"]}, age=AGES.get(broken, 0)
    )
    forged = {
        "signature": (payload, signature[:-1] + ("0" if signature[-1] != "0" else "1")),
        "payload": (payload + " ", signature),
        "age": (payload, signature),
        "future": (payload, signature),
        "nonsense": ("{", ""),
        "letters": (payload, signature.partition(",")[0] + ",v1=ä"),
    }
    with pytest.raises(Unauthenticated) as refused:
        post_webhook(testbed, forged[broken])
    assert refused.value.code == "bad_signature"
    testbed.change("payments", payment["id"], "created_at = created_at - interval '25 hours'")
    testbed.reconcile()


@pytest.mark.parametrize(
    "metadata",
    [{}, {"payment_id": "no-id"}, *({f"{kind}_id": new_id()} for kind in ("payment", "refund", "payout"))],
    ids=["nothing", "no id", "payment", "refund", "payout"],
)
def test_a_webhook_about_nothing_of_ours_is_taken_and_forgotten(
    testbed: PaymentsTestbed, metadata: Json
) -> None:
    post_webhook(testbed, webhook("payment_intent.succeeded", metadata, f"evt_{len(str(metadata))}"))


def test_a_payment_is_reconciled_after_stripe_was_unavailable(
    testbed: PaymentsTestbed, server: LocalStripe
) -> None:
    settings = {"payment_processor": "stripe", **KEYS}
    with started(stripe_api_url=f"http://127.0.0.1:{free_port()}", **settings) as (harness, orders, chosen):
        unavailable = PaymentsTestbed(harness, orders, chosen)
        order = unavailable.order()
        payment = unavailable.pay(order, "stripe_checkout")
        assert payment["status"] == "processing"
        unavailable.reconcile()
        assert unavailable.get(payment)["status"] == "processing"
        with pytest.raises(Unavailable):
            post_webhook(unavailable, webhook("payment_intent.succeeded", {"payment_id": payment["id"]}))


def test_without_stripe_its_webhook_is_not_there(servers: Settings) -> None:
    with started() as (harness, orders, chosen), pytest.raises(NotFound):
        post_webhook(PaymentsTestbed(harness, orders, chosen), webhook("payment_intent.succeeded", {}))
