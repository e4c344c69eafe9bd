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
from tests.payments.testbed import World, started
from tests.support.network import Network
from tests.support.placed_orders import Json, euros, new_id
from tests.support.servers import eventually, free_port

KEYS = {"stripe_secret_key": "sk_test_1", "stripe_webhook_secret": local_stripe.SECRET}


@pytest.fixture(scope="module")
def at_stripe(servers: Settings) -> Iterator[tuple[World, LocalStripe]]:
    with running_stripe() as server:
        settings = {"payment_processor": "stripe", "stripe_api_url": server.url, **KEYS}
        with started(**settings) as (harness, orders, chosen):
            yield World(harness, orders, chosen), server


@pytest.fixture
def world(at_stripe: tuple[World, LocalStripe]) -> Iterator[World]:
    """Payments at Stripe, with new people."""
    world, _ = at_stripe
    yield World(world.payments, world.orders, world.settings)
    assert world.payments.failed_events() == []
    assert world.findings() == []


@pytest.fixture
def server(at_stripe: tuple[World, LocalStripe]) -> LocalStripe:
    return at_stripe[1]


def post_webhook(world: World, posted: tuple[str, str]) -> None:
    """Stripe posts something to the webhook."""
    payload, signature = posted
    world.payments.call_as(None, contract.TAKE_STRIPE_WEBHOOK, payload=payload, signature=signature)


def test_a_card_pays_with_a_key_made_of_the_payments_id(world: World, server: LocalStripe) -> None:
    payment = world.pay(world.order(), server.payment_method(local_stripe.GOOD_CARD))
    assert (payment["status"], payment["processor"]) == ("paid", "stripe")
    assert server.keys_sent_to("/v1/payment_intents")[-1] == f"payment-{payment['id']}"


def test_a_declined_card_is_told_why(world: World, server: LocalStripe) -> None:
    order = world.order()
    with pytest.raises(Declined) as refused:
        world.pay(order, server.payment_method(local_stripe.DECLINED_CARD))
    assert refused.value.data["failure"] == "card_declined"
    assert world.pay(order, server.payment_method(local_stripe.GOOD_CARD))["status"] == "paid"


def test_a_card_that_wants_consent_is_sent_to_the_hosted_page(world: World, server: LocalStripe) -> None:
    with pytest.raises(Declined) as refused:
        world.pay(world.order(), server.payment_method(local_stripe.CONSENT_CARD))
    assert refused.value.data["failure"] == "authentication_required"


def test_an_unknown_payment_method_is_declined(world: World) -> None:
    with pytest.raises(Declined):
        world.pay(world.order(), "pm_nobody")


def test_methods_and_amounts_stripe_does_not_have_are_refused(world: World) -> None:
    with pytest.raises(Invalid) as refused:
        world.pay(world.order(), "sandbox_ok")
    assert refused.value.code == "unknown_method"
    with pytest.raises(Invalid) as refused:
        world.pay(world.order({"amount": 1234, "currency": "KWD"}), "stripe_checkout")
    assert refused.value.code == "amount_not_supported"


def test_the_hosted_page_is_paid_and_a_webhook_tells(world: World, server: LocalStripe) -> None:
    order = world.order({"amount": 700, "currency": "JPY"})
    payment = world.pay(order, "stripe_checkout")
    assert payment["status"] == "requires_action"
    assert payment["action_url"].startswith("https://checkout.example/")
    assert server.keys_sent_to("/v1/checkout/sessions") == [f"payment-{payment['id']}"]
    assert server.leads_back_to("cs_0") == {f"http://127.0.0.1:8080/orders/{order.id}"}
    server.pay_session("cs_0", 700, "jpy")
    posted = webhook("checkout.session.completed", {"payment_id": payment["id"]}, "evt_paid")
    for _ in range(2):
        post_webhook(world, posted)
    assert world.get(payment)["status"] == "paid"
    assert world.changes(order).count(("paid", "paid")) == 1
    world.refund(payment)
    assert world.get(payment)["status"] == "refunded"


def test_a_hosted_page_without_a_visit_expires(world: World) -> None:
    payment = world.pay(world.order(), "stripe_checkout")
    world.change("payments", payment["id"], "created_at = created_at - interval '25 hours'")
    # Older than Stripe remembers keys, but its name is known, so nothing has to be searched.
    world.reconcile()
    assert world.get(payment)["status"] == "failed"


def test_refunds_carry_their_key_and_are_not_made_twice(
    world: World, server: LocalStripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = world.pay(world.order(), server.payment_method(local_stripe.GOOD_CARD))
    real = world.context.processor.refund

    def lose(request: Any, repeated: bool) -> Any:
        real(request, repeated)
        raise OutcomeUnknown("lost")

    monkeypatch.setattr(world.context.processor, "refund", lose)
    refund = world.refund(payment, euros(500))
    monkeypatch.undo()
    before = server.keys_sent_to("/v1/refunds")
    assert before[-1] == f"refund-{refund['id']}"
    world.reconcile()
    assert server.keys_sent_to("/v1/refunds") == before
    assert world.get(payment)["refunded"] == euros(500)


def test_payouts_carry_their_key_and_their_end_is_told_by_webhook(world: World, server: LocalStripe) -> None:
    world.release(world.pay(world.order(), server.payment_method(local_stripe.GOOD_CARD)))
    payout = world.pay_out(euros(4050))
    assert payout["status"] == "processing"
    assert server.keys_sent_to("/v1/payouts")[-1] == f"payout-{payout['id']}"
    at_stripe = next(
        one for one in server.api.payouts.list().data if one.metadata["payout_id"] == payout["id"]
    )
    server.api.payouts.cancel(at_stripe.id)
    post_webhook(world, webhook("payout.canceled", {"payout_id": payout["id"]}, "evt_payout"))
    assert world.balance() == ({"EUR": 4050}, {"EUR": 0})
    assert server.keys_sent_to("/v1/payouts").count(f"payout-{payout['id']}") == 1


def test_a_payout_whose_answer_was_lost_is_found_behind_many_others(
    world: World, server: LocalStripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stripe_processor, "PAGE_SIZE", 2)
    world.release(world.pay(world.order(), server.payment_method(local_stripe.GOOD_CARD)))
    real = world.context.processor.pay_out

    def lose(request: Any, repeated: bool) -> Any:
        real(request, repeated)
        raise OutcomeUnknown("lost")

    lost: Json = {}
    for says in (real, real, real, lose, real, real, real):  # in whatever order they are listed
        monkeypatch.setattr(world.context.processor, "pay_out", says)
        payout = world.pay_out(euros(100))
        lost = payout if says is lose else lost
    world.reconcile()
    assert server.keys_sent_to("/v1/payouts").count(f"payout-{lost['id']}") == 1


def test_a_stripe_that_is_too_slow_is_asked_again_and_charges_once(
    server: LocalStripe, servers: Settings
) -> None:
    """The charge is made, but its answer comes later than anybody waits for it."""
    method = server.payment_method(local_stripe.GOOD_CARD)
    with Network(server.url) as network:
        settings = {"payment_processor": "stripe", "stripe_api_url": network.url(server.url), **KEYS}
        with started(processor_timeout_seconds=1, **settings) as (harness, orders, chosen):
            world = World(harness, orders, chosen)
            order = world.order()
            network.delay(0.8)
            payment = world.pay(order, method)
            assert payment["status"] == "processing"
            network.delay(0.0)
            key = f"payment-{payment['id']}"
            eventually(lambda: key in server.keys_sent_to("/v1/payment_intents"), what="Stripe has charged")
            network.cut()
            world.reconcile()
            assert world.get(payment)["status"] == "paid"
            assert server.keys_sent_to("/v1/payment_intents").count(key) == 2
            assert world.entries(order)["customer_funds"] == [-4500]
            assert world.findings() == []
    charges = server.api.payment_intents.list({"limit": 100}).data
    made = [one for one in charges if one.metadata.to_dict().get("payment_id") == payment["id"]]
    assert len(made) == 1


AGES = {"age": 600, "future": -600}


@pytest.mark.parametrize("broken", ["signature", "payload", "age", "future", "nonsense", "letters"])
def test_a_forged_changed_old_or_future_webhook_is_refused(
    world: World, server: LocalStripe, broken: str
) -> None:
    payment = world.pay(world.order(), "stripe_checkout")
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
        post_webhook(world, forged[broken])
    assert refused.value.code == "bad_signature"
    world.change("payments", payment["id"], "created_at = created_at - interval '25 hours'")
    world.reconcile()


@pytest.mark.parametrize(
    "metadata",
    [{}, {"payment_id": "no-id"}, *({f"{kind}_id": new_id()} for kind in ("payment", "refund", "payout"))],
    ids=["nothing", "no id", "payment", "refund", "payout"],
)
def test_a_webhook_about_nothing_of_ours_is_taken_and_forgotten(world: World, metadata: Json) -> None:
    post_webhook(world, webhook("payment_intent.succeeded", metadata, f"evt_{len(str(metadata))}"))


def test_a_payment_is_reconciled_after_stripe_was_unavailable(world: World, server: LocalStripe) -> None:
    settings = {"payment_processor": "stripe", **KEYS}
    with started(stripe_api_url=f"http://127.0.0.1:{free_port()}", **settings) as (harness, orders, chosen):
        unavailable = World(harness, orders, chosen)
        order = unavailable.order()
        payment = unavailable.pay(order, "stripe_checkout")
        assert payment["status"] == "processing"
        unavailable.reconcile()
        assert unavailable.get(payment)["status"] == "processing"
        with pytest.raises(Unavailable):
            post_webhook(unavailable, webhook("payment_intent.succeeded", {"payment_id": payment["id"]}))


def test_without_stripe_its_webhook_is_not_there(servers: Settings) -> None:
    with started() as (harness, orders, chosen), pytest.raises(NotFound):
        post_webhook(World(harness, orders, chosen), webhook("payment_intent.succeeded", {}))
