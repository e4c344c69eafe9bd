"""What is owed: one due per completed order, from its event or from what orders answers.

A due and everything that hangs on its order is changed only by who holds its row's lock.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.postgresql import insert

from chassis.storage import outbox
from kit.validation import rfc3339
from services.orders.contract import Status
from services.payments.contract import PAYMENT_CHANGED, PaymentChange
from services.payments.lifecycle import UNPAID, ReceivableEvent, next_receivable_status, required
from services.payments.models import DUES
from services.payments.rendering import Row, money, named_parties
from services.payments.settings import PaymentSettings

Json = dict[str, Any]
BATCH = 50
CHANGES: dict[ReceivableEvent, PaymentChange] = {
    "fall_due": PaymentChange.DUE,
    "begin": PaymentChange.PROCESSING,
    "captured": PaymentChange.PAID,
    "failed": PaymentChange.FAILED,
    "refunded_in_part": PaymentChange.REFUNDED,
    "refunded_in_full": PaymentChange.REFUNDED,
}


def fall_due_by_event(connection: Connection, event: Json, settings: PaymentSettings) -> None:
    """Makes a payment due when an order was completed; nothing else that happens to it matters."""
    if event["to_status"] == Status.COMPLETED:
        completed_at = event["completed_at"] or event["occurred_at"]
        _fall_due(connection, event, event["order_id"], completed_at, settings)


def fall_due_by_answer(connection: Connection, order: Json, settings: PaymentSettings) -> None:
    """The same when orders said so itself, before its event arrived here."""
    if order["status"] == Status.COMPLETED:
        _fall_due(connection, order, order["id"], order["updated_at"], settings)


def change_due(
    connection: Connection,
    due: Row,
    event: ReceivableEvent,
    payment_id: str | None,
    refund: Json | None = None,
) -> None:
    """Records what became of a due, and publishes it. The due must be locked.

    Raises: NoTransition when that cannot happen to it.
    """
    status = required(next_receivable_status(due["payment_status"], event))
    values = {"payment_status": status, "version": due["version"] + 1}
    connection.execute(update(DUES).where(DUES.c.order_id == due["order_id"]).values(values))
    _tell(connection, {**due, **values}, CHANGES[event], payment_id, refund=refund)


def remind_due(connection: Connection, settings: PaymentSettings) -> int:
    """Reminds the customers of unpaid orders whose day has come; answers how many."""
    now = datetime.now(UTC)
    query = (
        select(DUES)
        .where(DUES.c.next_reminder_at <= now, DUES.c.payment_status.in_(UNPAID))
        .order_by(DUES.c.next_reminder_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    rows = connection.execute(query).mappings().all()
    for due in rows:
        sent = due["reminders_sent"] + 1
        values = {
            "reminders_sent": sent,
            "next_reminder_at": _reminder(due["completed_at"], sent, settings),
            "version": due["version"] + 1,
        }
        connection.execute(update(DUES).where(DUES.c.order_id == due["order_id"]).values(values))
        day = (due["next_reminder_at"] - due["completed_at"]).days
        _tell(connection, {**due, **values}, PaymentChange.REMINDED, None, day=day)
    return len(rows)


def _fall_due(
    connection: Connection, order: Json, order_id: str, completed_at: str, settings: PaymentSettings
) -> None:
    completed = datetime.fromisoformat(completed_at)
    due = {
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
        "due_at": completed + settings.due,
        "next_reminder_at": _reminder(completed, 0, settings),
    }
    statement = insert(DUES).values(due).on_conflict_do_nothing().returning(DUES.c.order_id)
    if connection.execute(statement).first() is not None:
        _tell(connection, due, CHANGES["fall_due"], None)


def _reminder(completed_at: datetime, sent: int, settings: PaymentSettings) -> datetime | None:
    days = settings.reminders()
    return completed_at + timedelta(days=days[sent]) if sent < len(days) else None


def _tell(
    connection: Connection,
    due: Row,
    change: PaymentChange,
    payment_id: str | None,
    refund: Json | None = None,
    day: int | None = None,
) -> None:
    outbox.record(
        connection,
        PAYMENT_CHANGED,
        order_id=due["order_id"],
        number=due["number"],
        **named_parties(due),
        amount=money(due["amount_minor"], due["currency"]),
        change=change,
        payment_status=due["payment_status"],
        payment_version=due["version"],
        payment_id=payment_id,
        due_at=rfc3339(due["due_at"]),
        refund=refund,
        day=day,
    )
