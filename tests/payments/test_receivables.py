"""Receivables: until when they are due, and whose customers are reminded."""

from datetime import UTC, datetime, timedelta

from kit.validation import rfc3339
from tests.payments.testbed import World
from tests.support.placed_orders import Order


def late(world: World, days: int) -> Order:
    """An order that was completed so long ago."""
    return world.order(completed_at=datetime.now(UTC) - timedelta(days=days, minutes=1))


def test_a_payment_is_due_for_seven_days(world: World) -> None:
    order = world.order()
    assert world.payment_events(order)[0]["due_at"] == rfc3339(order.completed_at + timedelta(days=7))


def test_customers_are_reminded_on_each_day_once_until_they_pay(world: World) -> None:
    order = late(world, 6)
    for _ in range(2):
        world.payments.tick("remind_customers")
    reminders = [event for event in world.payment_events(order) if event["change"] == "reminded"]
    assert [event["day"] for event in reminders] == [3, 6]
    assert [event["payment_version"] for event in world.payment_events(order)] == [1, 2, 3]
    world.pay(order)
    world.payments.execute(
        "UPDATE dues SET next_reminder_at = now() WHERE order_id = CAST(:id AS uuid)", id=order.id
    )
    world.payments.tick("remind_customers")
    assert world.changes(order)[-1] == ("paid", "paid")


def test_no_reminder_is_sent_before_its_day(world: World) -> None:
    order = late(world, 2)
    world.payments.tick("remind_customers")
    assert world.changes(order) == [("due", "due")]


def test_a_customer_whose_payment_failed_is_reminded_too(world: World) -> None:
    order = late(world, 3)
    world.payments.execute(
        "UPDATE dues SET payment_status = 'failed' WHERE order_id = CAST(:id AS uuid)", id=order.id
    )
    world.payments.tick("remind_customers")
    assert world.changes(order)[-1] == ("reminded", "failed")
    world.payments.execute(
        "UPDATE dues SET payment_status = 'due' WHERE order_id = CAST(:id AS uuid)", id=order.id
    )
