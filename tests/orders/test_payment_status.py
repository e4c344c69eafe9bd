"""What payments tells an order, and what a debt forbids."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kit.errors import Conflict
from kit.validation import rfc3339
from services.orders.settings import OrderPeriods
from services.payments.contract import PAYMENT_CHANGED
from tests.orders.market import Json, Market

NOW = datetime.now(UTC)


def told(market: Market, order: Json, status: str, version: int, due_at: datetime = NOW) -> Json:
    """A `payment_changed` about an order arrives."""
    changes = {"partly_refunded": "refunded"}
    return market.harness.deliver(
        PAYMENT_CHANGED,
        order_id=order["id"],
        number=order["number"],
        customer=order["customer"],
        provider=order["provider"],
        service=order["service"],
        amount=order["price"],
        change=changes.get(status, status),
        payment_status=status,
        payment_version=version,
        payment_id=None,
        due_at=rfc3339(due_at),
        refund=None,
        day=None,
    )


@pytest.mark.parametrize("status", ["due", "processing", "paid", "failed", "refunded", "partly_refunded"])
def test_an_order_shows_what_became_of_its_payment(market: Market, status: str) -> None:
    order = market.order_at("completed")
    told(market, order, status, 1)
    after = market.get(order)
    assert after == {
        **order,
        "payment_status": status,
        "available_transitions": after["available_transitions"],
    }


def test_what_is_older_or_repeated_changes_nothing(market: Market) -> None:
    order = market.order_at("completed")
    paid = told(market, order, "paid", 3)
    told(market, order, "processing", 2)
    market.harness.deliver(PAYMENT_CHANGED, paid)
    assert market.get(order)["payment_status"] == "paid"
    told(market, order, "partly_refunded", 4)
    assert market.get(order)["payment_status"] == "partly_refunded"


@pytest.mark.parametrize("status", ["due", "processing", "failed"])
def test_a_customer_with_an_overdue_payment_places_no_new_order(market: Market, status: str) -> None:
    order = market.order_at("completed")
    told(market, order, status, 1, due_at=NOW - timedelta(seconds=1))
    with pytest.raises(Conflict) as refused:
        market.submit()
    assert refused.value.code == "payment_overdue"
    assert refused.value.data == {"order_id": order["id"], "order_number": order["number"]}
    told(market, order, "processing", 2, due_at=NOW - timedelta(seconds=1))
    with pytest.raises(Conflict, match="its payment is overdue"):
        market.submit()
    told(market, order, "paid", 3, due_at=NOW - timedelta(seconds=1))
    assert market.submit()["status"] == 1


def test_the_oldest_debt_is_named(market: Market) -> None:
    orders = [market.order_at("completed") for _ in range(2)]
    for order, days in zip(orders, (1, 2), strict=True):
        told(market, order, "due", 1, due_at=NOW - timedelta(days=days))
    with pytest.raises(Conflict) as refused:
        market.submit()
    assert refused.value.data["order_id"] == orders[1]["id"]


def test_what_is_not_yet_due_or_another_persons_forbids_nothing(market: Market) -> None:
    told(market, market.order_at("completed"), "due", 1, due_at=NOW + timedelta(days=7))
    assert market.submit()["status"] == 1
    market.change(market.order_at("completed"), "payment_due_at = now() - interval '1 day'")
    assert market.submit(caller=market.stranger)["status"] == 1


def test_a_setting_lets_debtors_order(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    order = market.order_at("completed")
    told(market, order, "due", 1, due_at=NOW - timedelta(days=1))
    overrides: dict[type, dict[str, Any]] = {OrderPeriods: {"overdue_blocks_orders": False}}
    monkeypatch.setattr(market.harness, "_overrides", overrides)
    assert market.submit()["status"] == 1
