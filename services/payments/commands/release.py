"""Releases: providers' shares become available when their holding period is over."""

from datetime import UTC, datetime

import structlog
from sqlalchemy import Connection, select

from services.payments.ledger import rules
from services.payments.ledger.journal import record_movement
from services.payments.models import PAYMENTS
from services.payments.payment_context import PaymentContext
from services.payments.rows import change_payment, lock_payment, paid_of, parties_of

log = structlog.get_logger(__name__)
BATCH = 100


def release_shares(context: PaymentContext) -> None:
    """Releases every share that is due, each in its own transaction; one that fails is tried again later."""
    due = select(PAYMENTS.c.id).where(
        PAYMENTS.c.available_at <= datetime.now(UTC), PAYMENTS.c.released_at.is_(None)
    )
    ids = context.db.read(lambda c: c.scalars(due.order_by(PAYMENTS.c.available_at).limit(BATCH)).all())
    for payment_id in ids:
        try:
            context.db.write(lambda connection, one=payment_id: release_share(connection, one))  # type: ignore[misc]
        except Exception:
            log.exception("release_failed", payment_id=payment_id)


def release_share(connection: Connection, payment_id: str) -> None:
    """Moves what is left of a share from pending to available, once."""
    receivable, payment = lock_payment(connection, payment_id)
    if payment["released_at"] is not None:
        return
    change_payment(connection, payment, released_at=datetime.now(UTC))
    paid = paid_of(payment)
    left = paid.split.share_minor - paid.refunded.share_minor
    if left:
        movement = rules.release(parties_of(receivable), left)
        record_movement(connection, movement, order_id=receivable["order_id"], payment_id=payment_id)
