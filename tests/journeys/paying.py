"""The money's part of the journey: refused, paid after a second step, partly given back, and shown."""

import time
from typing import Any

from client import MarketplaceClient, Problem
from client.resources import Payment
from tests.journeys.walk import PATIENCE_SECONDS, Walk, begin, patience, person, refused, wait_for

RECOVERY_SECONDS = 60.0  # an unknown charge is reconciled by a timer
FEE, SHARE = 450, 4050  # of 45.00 EUR, at ten percent


def euros(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "EUR"}


async def paid(walk: Walk) -> None:
    """The customer pays; both are notified, the order shows it, the provider's share is pending."""
    order_id, customer, provider = walk.order["id"], walk.customer, walk.provider
    for _ in range(2):  # the second time it is the stored answer
        await declined(customer, order_id)
    await walk.expect_notification(customer, "payment_failed")
    await shows(walk, "failed")
    assert (await refused(provider.pay_order(order_id, "sandbox_ok"))).status == 403
    payment = await begun(customer, order_id)
    assert (await refused(customer.pay_order(order_id, "sandbox_ok"))).code == "payment_in_progress"
    token = (payment["action_url"] or "").rpartition("/")[2]
    assert (await customer.sandbox_action(token))["amount"] == euros(4500)
    await customer.answer_sandbox_action(token, approve=True)
    await settled(customer, payment["id"], "paid")
    assert (await refused(customer.pay_order(order_id, "sandbox_ok"))).code == "already_paid"
    for reader in (customer, provider):
        await walk.expect_notification(reader, "payment_paid")
    await shows(walk, "paid")
    shown = {"available": [euros(0)], "pending": [euros(SHARE)], "payable": []}
    assert await provider.balance() == shown
    await given_back(walk, payment)
    await documented(walk, payment)


async def declined(customer: MarketplaceClient, order_id: str) -> None:
    """402; only where servers die meanwhile the answer may be lost, and the payment fails a little later."""
    try:
        payment = await customer.pay_order(order_id, "sandbox_declined", key="declined once")
    except Problem as problem:
        assert (problem.status, problem.code) == (402, "payment_declined")
        return
    assert patience.get() > PATIENCE_SECONDS and payment["status"] == "processing", payment
    await settled(customer, payment["id"], "failed")


async def begun(customer: MarketplaceClient, order_id: str) -> Payment:
    """A payment with a second step; only where servers die it may hear of that step a little later."""
    payment = await customer.pay_order(order_id, "sandbox_action")
    if payment["status"] == "processing" and patience.get() > PATIENCE_SECONDS:
        await settled(customer, payment["id"], "requires_action")
        payment = await customer.payment(payment["id"])
    assert payment["status"] == "requires_action" and payment["action_url"]
    return payment


async def given_back(walk: Walk, payment: Payment) -> None:
    """A tenth goes back; fee and share each give up their part; pending money is not paid out."""
    customer, provider = walk.customer, walk.provider
    refund = await provider.refund_payment(
        payment["id"], "One page was late.", {"amount": 450, "currency": "EUR"}
    )
    assert refund["fee"]["amount"] + refund["provider_share"]["amount"] == 450
    await settled(customer, payment["id"], "partly_refunded")
    for reader in (customer, provider):
        await walk.expect_notification(reader, "payment_refunded")
    await shows(walk, "partly_refunded")
    too_much = await refused(
        provider.refund_payment(payment["id"], "All.", {"amount": 4051, "currency": "EUR"})
    )
    assert (too_much.status, too_much.code) == (409, "refund_exceeds_payment")
    early = await refused(provider.request_payout({"amount": 1, "currency": "EUR"}))
    assert (early.status, early.code) == (409, "insufficient_balance")


async def documented(walk: Walk, payment: Payment) -> None:
    """Both read the receipt, the provider a statement; nobody else sees any of it."""
    for reader in (walk.customer, walk.provider):
        assert (await reader.receipt(payment["id"])).startswith(b"%PDF-")
        assert "€40.50" in (await reader.receipt(payment["id"], "html")).decode()
    moved = [t["type"] for t in (await walk.provider.transactions())["data"]]
    assert moved == ["refund", "earning"]
    month = await walk.provider.statement(payment["created_at"][:7])
    (total,) = month["totals"]
    assert total["closing"] == total["gross"] - total["fees"] - total["refunded"] == 3645
    async with person(walk.customer.connection.base_url, "Stranger") as stranger:
        for attempt in (
            stranger.payment(payment["id"]),
            stranger.receipt(payment["id"]),
            stranger.payments(walk.order["id"]),
            stranger.receivable(walk.order["id"]),
            stranger.refund_payment(payment["id"], "Mine now."),
        ):
            assert (await refused(attempt)).status == 404
        assert (await stranger.balance()) == {"available": [], "pending": [], "payable": []}


async def settled(who: MarketplaceClient, payment_id: str, status: str) -> None:
    """A payment gets a status, sooner or later."""

    async def is_settled() -> bool:
        return (await who.payment(payment_id))["status"] == status

    await wait_for(is_settled, f"the payment {status}")


async def shows(walk: Walk, payment_status: str) -> None:
    """The order shows what became of its payment."""

    async def does() -> bool:
        return (await walk.customer.order(walk.order["id"]))["payment_status"] == payment_status

    await wait_for(does, f"the order shows {payment_status}")


async def hasty_journey(url: str) -> None:
    """Who pays in the second of confirming is not refused because an event is still on its way."""
    patience.set(max(patience.get(), RECOVERY_SECONDS))
    async with person(url, "Zoë Øst") as customer, person(url, "Łukasz 明") as provider:
        walk = await begin(customer, provider)
        early = await refused(customer.pay_order(walk.order["id"], "sandbox_ok"))
        assert (early.status, early.code) == (409, "payment_not_due")
        await walk.step(provider, "approve", 2)
        await walk.step(provider, "complete_work", 3)
        await customer.transition(walk.order["id"], "confirm")
        began = time.monotonic()
        payment = await customer.pay_order(walk.order["id"], "sandbox_timeout")
        assert time.monotonic() - began < 60
        await settled(customer, payment["id"], "paid")
        await walk.expect_notification(provider, "payment_paid")
