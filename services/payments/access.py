"""Who may see and do what with payments. Pure: rows and times are arguments.

What is possible follows from the tables of `lifecycle`; who may ask for it is decided here. Amounts are not:
a refund or payout that is allowed may still be more than a balance holds.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

from kit.errors import Forbidden, NotFound
from kit.security.tokens import Caller
from services.payments.contract import PaymentAction, PaymentStatus, ReceivableAction, RefundStatus
from services.payments.lifecycle import OPEN, next_payment_status, next_receivable_status, next_refund_status

Role = Literal["customer", "provider", "staff"]
Row = Mapping[Any, Any]


def not_found() -> NotFound:
    """The error for what does not exist and, alike, for what the caller may not see."""
    return NotFound("There is no such order or payment.")


def role_in_order(caller: Caller, receivable: Row) -> Role | None:
    """The caller's role in an order, None for a stranger. Staff who are a party are only that party."""
    if caller.id == receivable["customer_id"]:
        return "customer"
    if caller.id == receivable["provider_id"]:
        return "provider"
    return "staff" if caller.is_staff else None


def require_role(caller: Caller, receivable: Row) -> Role:
    """The caller's role in an order. Raises: NotFound for a stranger."""
    role = role_in_order(caller, receivable)
    if role is None:
        raise not_found()
    return role


def require_customer(caller: Caller, receivable: Row) -> None:
    """Raises: NotFound for a stranger; Forbidden for the provider and staff."""
    if require_role(caller, receivable) != "customer":
        raise Forbidden("Only the customer of an order may pay it.")


def require_refunder(caller: Caller, receivable: Row) -> Literal["provider", "staff"]:
    """The role in which the caller refunds. Raises: NotFound for a stranger; Forbidden for the customer."""
    role = require_role(caller, receivable)
    if role == "customer":
        raise Forbidden("Only the provider and staff may refund a payment.")
    return role


def receivable_actions(role: Role | None, receivable_status: str) -> list[ReceivableAction]:
    """What the caller can do about what an order owes."""
    return [ReceivableAction.PAY] if role == "customer" and _is_payable(receivable_status) else []


def payment_actions(
    role: Role | None, payment: Row, receivable_status: str, refunds: Iterable[Row]
) -> list[PaymentAction]:
    """What the caller can do about one payment."""
    if role == "customer":
        return _customer_actions(payment, receivable_status)
    if role is not None and _is_refundable(payment, receivable_status, refunds):
        return [PaymentAction.REFUND]
    return []


def left_to_refund_minor(payment: Row, receivable_status: str, refunds: Iterable[Row]) -> int:
    """What is neither refunded nor being refunded of a payment; 0 unless it was paid."""
    if next_payment_status(payment["status"], "refunded_in_part", receivable_status) is None:
        return 0
    claimed = sum(one["amount_minor"] for one in refunds if one["status"] != RefundStatus.FAILED)
    refundable: int = payment["amount_minor"] - claimed
    return refundable


def action_expires_at(payment: Row, period: timedelta) -> datetime | None:
    """When a payment is cancelled that the customer does not confirm; None unless it requires that."""
    if payment["status"] != PaymentStatus.REQUIRES_ACTION:
        return None
    created_at: datetime = payment["created_at"]
    return created_at + period


def is_expired(payment: Row, period: timedelta, now: datetime) -> bool:
    """Whether an unfinished payment is to be cancelled."""
    return payment["status"] in OPEN and now - payment["created_at"] > period


def _customer_actions(payment: Row, receivable_status: str) -> list[PaymentAction]:
    if payment["status"] == PaymentStatus.REQUIRES_ACTION and payment["action_url"]:
        return [PaymentAction.CONFIRM]
    if payment["status"] == PaymentStatus.FAILED and _is_payable(receivable_status):
        return [PaymentAction.RETRY]
    return []


def _is_payable(receivable_status: str) -> bool:
    return next_receivable_status(receivable_status, "begin") is not None


def _is_refundable(payment: Row, receivable_status: str, refunds: Iterable[Row]) -> bool:
    # One refund of a payment at a time: the split of the next builds on those before it.
    in_progress = any(next_refund_status(refund["status"], "done") for refund in refunds)
    return (
        not in_progress
        and next_payment_status(payment["status"], "refunded_in_part", receivable_status) is not None
    )
