"""Shares of providers whose holding period is over become available."""

from datetime import UTC, datetime

import structlog
from sqlalchemy import Connection, select

from services.payments.commands.pay import change_payment, lock_payment, parties_of
from services.payments.commands.refund import paid_of
from services.payments.ledger import rules as ledger
from services.payments.ledger.journal import post
from services.payments.models import PAYMENTS
from services.payments.payment_context import Till

log = structlog.get_logger(__name__)
BATCH = 100


def release_shares(till: Till) -> None:
    """Releases everything due now, each in a transaction of its own; one that fails is left for later."""
    due = select(PAYMENTS.c.id).where(
        PAYMENTS.c.available_at <= datetime.now(UTC), PAYMENTS.c.released_at.is_(None)
    )
    ids = till.db.read(lambda c: c.scalars(due.order_by(PAYMENTS.c.available_at).limit(BATCH)).all())
    for payment_id in ids:
        try:
            till.db.write(lambda connection, one=payment_id: release_share(connection, one))  # type: ignore[misc]
        except Exception:
            log.exception("release_failed", payment_id=payment_id)


def release_share(connection: Connection, payment_id: str) -> None:
    """Moves what is left of a share from pending to available, once."""
    due, payment = lock_payment(connection, payment_id)
    if payment["released_at"] is not None:
        return
    change_payment(connection, payment, released_at=datetime.now(UTC))
    paid = paid_of(payment)
    left = paid.split.share_minor - paid.refunded.share_minor
    if left:
        movement = ledger.release(parties_of(due), left)
        post(connection, movement, order_id=due["order_id"], payment_id=payment_id)
