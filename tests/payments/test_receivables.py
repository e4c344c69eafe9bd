"""Receivables: until when they are due, and whose customers are reminded."""

from datetime import UTC, datetime, timedelta

from kit.validation import rfc3339
from tests.payments.testbed import PaymentsTestbed
from tests.support.placed_orders import Order


def late(testbed: PaymentsTestbed, days: int) -> Order:
    """An order that was completed so long ago."""
    return testbed.order(completed_at=datetime.now(UTC) - timedelta(days=days, minutes=1))


def test_a_payment_is_due_for_seven_days(testbed: PaymentsTestbed) -> None:
    order = testbed.order()
    assert testbed.payment_events(order)[0]["due_at"] == rfc3339(order.completed_at + timedelta(days=7))


def test_customers_are_reminded_on_each_day_once_until_they_pay(testbed: PaymentsTestbed) -> None:
    order = late(testbed, 6)
    for _ in range(2):
        testbed.payments.tick("remind_customers")
    reminders = [event for event in testbed.payment_events(order) if event["change"] == "reminded"]
    assert [event["day"] for event in reminders] == [3, 6]
    assert [event["payment_version"] for event in testbed.payment_events(order)] == [1, 2, 3]
    testbed.pay(order)
    testbed.payments.execute(
        "UPDATE dues SET next_reminder_at = now() WHERE order_id = CAST(:id AS uuid)", id=order.id
    )
    testbed.payments.tick("remind_customers")
    assert testbed.changes(order)[-1] == ("paid", "paid")


def test_no_reminder_is_sent_before_its_day(testbed: PaymentsTestbed) -> None:
    order = late(testbed, 2)
    testbed.payments.tick("remind_customers")
    assert testbed.changes(order) == [("due", "due")]


def test_a_customer_whose_payment_failed_is_reminded_too(testbed: PaymentsTestbed) -> None:
    order = late(testbed, 3)
    testbed.payments.execute(
        "UPDATE dues SET payment_status = 'failed' WHERE order_id = CAST(:id AS uuid)", id=order.id
    )
    testbed.payments.tick("remind_customers")
    assert testbed.changes(order)[-1] == ("reminded", "failed")
    testbed.payments.execute(
        "UPDATE dues SET payment_status = 'due' WHERE order_id = CAST(:id AS uuid)", id=order.id
    )
