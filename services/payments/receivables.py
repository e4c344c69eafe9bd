"""What is owed: one receivable per completed order, opened by its event or by the answer of orders."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, update
from sqlalchemy.dialects.postgresql import insert

from chassis.storage import outbox
from kit.errors import Conflict
from kit.types import Money
from kit.validation import rfc3339
from services.orders.contract import Status
from services.orders.types import Order, OrderStatusChanged
from services.payments.access import Row
from services.payments.contract import PAYMENT_CHANGED, PaymentChange
from services.payments.lifecycle import ReceivableEvent, next_receivable_status, required
from services.payments.models import RECEIVABLES
from services.payments.rendering import customer_of, money, provider_of, service_of
from services.payments.settings import PaymentSettings

CHANGES: Mapping[ReceivableEvent, PaymentChange] = {
    "fall_due": PaymentChange.DUE,
    "begin": PaymentChange.PROCESSING,
    "captured": PaymentChange.PAID,
    "failed": PaymentChange.FAILED,
    "refunded_in_part": PaymentChange.REFUNDED,
    "refunded_in_full": PaymentChange.REFUNDED,
}


def open_receivable_from_event(
    connection: Connection, event: OrderStatusChanged, settings: PaymentSettings
) -> None:
    """Opens the receivable of an order that was completed; no other transition opens one."""
    if event["to_status"] == Status.COMPLETED:
        completed_at = event["completed_at"] or event["occurred_at"]
        _open_receivable(connection, event, event["order_id"], completed_at, settings)


def open_receivable_from_order(connection: Connection, order: Order, settings: PaymentSettings) -> None:
    """Opens the receivable of a completed order that orders returned, before its event arrives."""
    if order["status"] == Status.COMPLETED:
        _open_receivable(connection, order, order["id"], order["updated_at"], settings)


def change_receivable(
    connection: Connection,
    receivable: Row,
    event: ReceivableEvent,
    payment_id: str | None,
    refund: Money | None = None,
) -> None:
    """Records and publishes the next status of a locked receivable.

    Raises: NoTransition when the event cannot happen in the current status.
    """
    status = required(next_receivable_status(receivable["payment_status"], event))
    values = {"payment_status": status, "version": receivable["version"] + 1}
    changed = update(RECEIVABLES).where(RECEIVABLES.c.order_id == receivable["order_id"])
    connection.execute(changed.values(values))
    publish_payment_change(connection, {**receivable, **values}, CHANGES[event], payment_id, refund=refund)


def publish_payment_change(
    connection: Connection,
    receivable: Row,
    change: PaymentChange,
    payment_id: str | None,
    refund: Money | None = None,
    day: int | None = None,
) -> None:
    """Records the event `payment_changed` of a receivable in the outbox."""
    outbox.record(
        connection,
        PAYMENT_CHANGED,
        order_id=receivable["order_id"],
        number=receivable["number"],
        service=service_of(receivable),
        customer=customer_of(receivable),
        provider=provider_of(receivable),
        amount=money(receivable["amount_minor"], receivable["currency"]),
        change=change,
        payment_status=receivable["payment_status"],
        payment_version=receivable["version"],
        payment_id=payment_id,
        due_at=rfc3339(receivable["due_at"]),
        refund=refund,
        day=day,
    )


def payment_not_due(order: Order) -> Conflict:
    """The error for an order that owes nothing yet, as orders returned it."""
    detail = "An order can be paid once it is completed."
    return Conflict(detail, code="payment_not_due", current_status=order["status"])


def next_reminder_at(completed_at: datetime, sent: int, settings: PaymentSettings) -> datetime | None:
    """When the customer is reminded after `sent` reminders; None after the last one."""
    days = settings.reminders()
    return completed_at + timedelta(days=days[sent]) if sent < len(days) else None


def _open_receivable(
    connection: Connection,
    order: Order | OrderStatusChanged,
    order_id: str,
    completed_at: str,
    settings: PaymentSettings,
) -> None:
    completed = datetime.fromisoformat(completed_at)
    receivable: dict[str, Any] = {
        "order_id": order_id,
        "number": order["number"],
        "service_id": order["service"]["id"],
        "service_title": order["service"]["title"],
        "customer_id": order["customer"]["id"],
        "customer_name": order["customer"]["display_name"],
        "provider_id": order["provider"]["id"],
        "provider_name": order["provider"]["display_name"],
        "amount_minor": order["price"]["amount"],
        "currency": order["price"]["currency"],
        "payment_status": required(next_receivable_status(None, "fall_due")),
        "version": 1,
        "completed_at": completed,
        "due_at": completed + settings.due_period,
        "next_reminder_at": next_reminder_at(completed, 0, settings),
    }
    opened = insert(RECEIVABLES).values(receivable).on_conflict_do_nothing().returning(RECEIVABLES.c.order_id)
    if connection.execute(opened).first() is not None:
        publish_payment_change(connection, receivable, CHANGES["fall_due"], None)
