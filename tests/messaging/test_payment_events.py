"""What payments tells, people are told: whom it concerns, once, whatever is delivered twice."""

import pytest

from services.messaging.notifications import MARKETPLACE
from services.payments.contract import PAYMENT_CHANGED, PAYOUT_CHANGED
from tests.messaging.actions import notifications, switch_off
from tests.messaging.sample_events import Deal, Fact, new_id, party
from tests.support.service_harness import Harness

TOLD = [
    ("due", "payment_due", ["customer"]),
    ("reminded", "payment_due", ["customer"]),
    ("processing", None, []),
    ("paid", "payment_paid", ["customer", "provider"]),
    ("failed", "payment_failed", ["customer"]),
    ("refunded", "payment_refunded", ["customer", "provider"]),
]


def payment_changed(deal: Deal, change: str) -> Fact:
    """The fields of a `payment_changed` about a deal."""
    statuses = {"reminded": "due", "refunded": "partly_refunded"}
    return {
        "order_id": deal.order_id,
        "number": deal.number,
        "customer": party(deal.customer),
        "provider": party(deal.provider),
        "service": deal.service,
        "amount": {"amount": 4500, "currency": "EUR"},
        "change": change,
        "payment_status": statuses.get(change, change),
        "payment_version": 1,
        "payment_id": None if change in ("due", "reminded") else new_id(),
        "due_at": "2026-12-01T10:00:00.000000Z",
        "refund": {"amount": 100, "currency": "EUR"} if change == "refunded" else None,
        "day": 3 if change == "reminded" else None,
    }


def payout_changed(deal: Deal, status: str) -> Fact:
    """The fields of a `payout_changed` of the provider."""
    return {
        "payout_id": new_id(),
        "provider": party(deal.provider),
        "amount": {"amount": 4050, "currency": "EUR"},
        "status": status,
        "payout_version": 2,
    }


@pytest.mark.parametrize(("change", "type_", "told"), TOLD)
def test_each_change_of_a_payment_tells_those_it_concerns_once(
    messaging: Harness, change: str, type_: str | None, told: list[str]
) -> None:
    deal = Deal()
    event = messaging.deliver(PAYMENT_CHANGED, **payment_changed(deal, change))
    messaging.deliver(PAYMENT_CHANGED, event)
    for role in ("customer", "provider"):
        got = notifications(messaging, getattr(deal, role))
        assert [one["type"] for one in got] == ([type_] if role in told else [])
        for one in got:
            assert (one["order_id"], one["actor"]["display_name"]) == (deal.order_id, MARKETPLACE)
            assert one["data"]["event_id"] == event["event_id"]
            assert one["data"]["amount"] == {"amount": 4500, "currency": "EUR"}
            assert one["data"]["recipient_role"] == role


@pytest.mark.parametrize(
    ("status", "told"), [("processing", []), ("paid", ["payout_changed"]), ("failed", ["payout_changed"])]
)
def test_a_provider_hears_what_became_of_a_payout(messaging: Harness, status: str, told: list[str]) -> None:
    deal = Deal()
    event = messaging.deliver(PAYOUT_CHANGED, **payout_changed(deal, status))
    messaging.deliver(PAYOUT_CHANGED, event)
    got = notifications(messaging, deal.provider)
    assert [one["type"] for one in got] == told
    assert [one["data"]["status"] for one in got] == [status] * len(told)
    assert all(one["order_id"] is None for one in got)


def test_whoever_does_not_want_to_hear_of_payments_does_not(messaging: Harness) -> None:
    deal = Deal()
    switch_off(messaging, deal.customer, "payments")
    messaging.deliver(PAYMENT_CHANGED, **payment_changed(deal, "paid"))
    assert notifications(messaging, deal.customer) == []
    assert len(notifications(messaging, deal.provider)) == 1
