"""Reminders to the customers of unpaid orders."""

from datetime import UTC, datetime

from sqlalchemy import Connection, select, update

from services.payments.access import Row
from services.payments.contract import PaymentChange
from services.payments.lifecycle import UNPAID
from services.payments.models import RECEIVABLES
from services.payments.payment_context import PaymentContext
from services.payments.receivables import next_reminder_at, publish_payment_change
from services.payments.settings import PaymentSettings

BATCH = 50


def remind_customers(context: PaymentContext) -> None:
    """Publishes every reminder that is due."""
    while context.db.write(lambda connection: _remind_batch(connection, context.settings)):
        pass


def _remind_batch(connection: Connection, settings: PaymentSettings) -> int:
    due = (
        select(RECEIVABLES)
        .where(RECEIVABLES.c.next_reminder_at <= datetime.now(UTC), RECEIVABLES.c.payment_status.in_(UNPAID))
        .order_by(RECEIVABLES.c.next_reminder_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    receivables = connection.execute(due).mappings().all()
    for receivable in receivables:
        _remind(connection, receivable, settings)
    return len(receivables)


def _remind(connection: Connection, receivable: Row, settings: PaymentSettings) -> None:
    sent = receivable["reminders_sent"] + 1
    values = {
        "reminders_sent": sent,
        "next_reminder_at": next_reminder_at(receivable["completed_at"], sent, settings),
        "version": receivable["version"] + 1,
    }
    changed = update(RECEIVABLES).where(RECEIVABLES.c.order_id == receivable["order_id"])
    connection.execute(changed.values(values))
    day = (receivable["next_reminder_at"] - receivable["completed_at"]).days
    publish_payment_change(connection, {**receivable, **values}, PaymentChange.REMINDED, None, day=day)
