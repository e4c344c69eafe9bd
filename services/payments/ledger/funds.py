"""What a provider's balance can still pay for. Payouts and refunds draw on the same money.

A payout leaves the balance when it begins, a refund when its processor has completed it. Until then the
provider's share of a refund is reserved.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from services.payments.contract import RefundStatus
from services.payments.models import BALANCES, PAYMENTS, RECEIVABLES, REFUNDS


@dataclass(frozen=True)
class Funds:
    """One provider's money in one currency, in minor units. Each may be below 0 after a refund by staff."""

    available_minor: int
    pending_minor: int
    reserved_minor: int

    @property
    def refundable_minor(self) -> int:
        """What a refund may take of the provider."""
        return self.available_minor + self.pending_minor - self.reserved_minor

    @property
    def payable_minor(self) -> int:
        """What a payout may take: nothing that is pending, nothing that a refund in progress needs."""
        return min(self.available_minor, self.refundable_minor)


def payable_funds(connection: Connection, provider_id: str) -> list[tuple[str, int]]:
    """What a provider can be paid out now, in each currency they ever earned. Locks nothing."""
    balances = select(BALANCES.c.currency, BALANCES.c.available_minor, BALANCES.c.pending_minor).where(
        BALANCES.c.provider_id == provider_id
    )
    rows = connection.execute(balances.order_by(BALANCES.c.currency)).all()
    reserved = _reserved_for_refunds(connection, provider_id) if rows else {}
    return [
        (
            row.currency,
            Funds(row.available_minor, row.pending_minor, reserved.get(row.currency, 0)).payable_minor,
        )
        for row in rows
    ]


def lock_funds(connection: Connection, provider_id: str, currency: str) -> Funds:
    """The current funds; no other payout or refund of this provider begins before the commit."""
    balance = select(BALANCES.c.available_minor, BALANCES.c.pending_minor).where(
        BALANCES.c.provider_id == provider_id, BALANCES.c.currency == currency
    )
    row = connection.execute(balance.with_for_update()).first()
    if row is None:
        return Funds(0, 0, 0)
    # A statement of its own: it sees what was committed while the lock was waited for.
    reserved = _reserved_for_refunds(connection, provider_id)
    return Funds(row.available_minor, row.pending_minor, reserved.get(currency, 0))


def _reserved_for_refunds(connection: Connection, provider_id: str) -> dict[str, int]:
    """A provider's part of the refunds in progress, by currency."""
    shares = func.sum(REFUNDS.c.amount_minor - REFUNDS.c.fee_minor).label("share_minor")
    refunding = (
        select(PAYMENTS.c.currency, shares)
        .select_from(REFUNDS)
        .join(PAYMENTS, PAYMENTS.c.id == REFUNDS.c.payment_id)
        .join(RECEIVABLES, RECEIVABLES.c.order_id == PAYMENTS.c.order_id)
        .where(REFUNDS.c.status == RefundStatus.PROCESSING, RECEIVABLES.c.provider_id == provider_id)
        .group_by(PAYMENTS.c.currency)
    )
    return {row.currency: int(row.share_minor) for row in connection.execute(refunding)}
