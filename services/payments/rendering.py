"""Rows as the answers of the public contract."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from kit.security.tokens import Caller
from kit.types import Money, Party
from kit.validation import rfc3339
from services.payments.access import (
    Row,
    action_expires_at,
    left_to_refund_minor,
    payment_actions,
    receivable_actions,
    role_in_order,
)
from services.payments.types import PaidService, Payment, Payout, Receivable, Refund


def money(amount_minor: int, currency: str) -> Money:
    """An amount with its currency."""
    return {"amount": amount_minor, "currency": currency}


def service_of(row: Row) -> PaidService:
    """The service that an order is about."""
    return {"id": row["service_id"], "title": row["service_title"]}


def customer_of(row: Row) -> Party:
    """The customer of an order."""
    return {"id": row["customer_id"], "display_name": row["customer_name"]}


def provider_of(row: Row) -> Party:
    """The provider of an order or a payout."""
    return {"id": row["provider_id"], "display_name": row["provider_name"]}


def render_receivable(receivable: Row, caller: Caller) -> Receivable:
    """What an order owes, for one caller."""
    status = receivable["payment_status"]
    return {
        "order_id": receivable["order_id"],
        "order_number": receivable["number"],
        "amount": money(receivable["amount_minor"], receivable["currency"]),
        "payment_status": status,
        "due_at": rfc3339(receivable["due_at"]),
        "available_actions": [*receivable_actions(role_in_order(caller, receivable), status)],
        "version": receivable["version"],
    }


def render_payment(row: Row, refunds: Iterable[Row], caller: Caller, action_period: timedelta) -> Payment:
    """A payment, from its row with columns of its receivable and its refunds, for one caller.

    Only the customer gets `action_url`: whoever has it can confirm in the customer's name.
    """
    currency, refunds = row["currency"], list(refunds)
    role, owed = role_in_order(caller, row), row["payment_status"]
    return {
        "id": row["id"],
        "order_id": row["order_id"],
        "order_number": row["number"],
        "service": service_of(row),
        "customer": customer_of(row),
        "provider": provider_of(row),
        "amount": money(row["amount_minor"], currency),
        "fee": money(row["fee_minor"], currency),
        "provider_share": money(row["amount_minor"] - row["fee_minor"], currency),
        "refunded": money(row["refunded_minor"], currency),
        "refundable": money(left_to_refund_minor(row, owed, refunds), currency),
        "status": row["status"],
        "processor": row["processor"],
        "method": row["method"],
        "action_url": row["action_url"] if role == "customer" else None,
        "action_expires_at": _timestamp(action_expires_at(row, action_period)),
        "failure": row["failure"],
        "refunds": [render_refund(refund, row["order_id"], currency) for refund in refunds],
        "created_at": rfc3339(row["created_at"]),
        "updated_at": rfc3339(row["updated_at"]),
        "paid_at": _timestamp(row["paid_at"]),
        "available_at": _timestamp(row["available_at"]),
        "available_actions": [*payment_actions(role, row, owed, refunds)],
        "version": row["version"],
    }


def render_refund(row: Row, order_id: str, currency: str) -> Refund:
    """A refund of a payment of that order, in that currency."""
    return {
        "id": row["id"],
        "payment_id": row["payment_id"],
        "order_id": order_id,
        "amount": money(row["amount_minor"], currency),
        "fee": money(row["fee_minor"], currency),
        "provider_share": money(row["amount_minor"] - row["fee_minor"], currency),
        "reason": row["reason"],
        "status": row["status"],
        "created_at": rfc3339(row["created_at"]),
        "updated_at": rfc3339(row["updated_at"]),
    }


def render_payout(row: Row) -> Payout:
    """A payout."""
    return {
        "id": row["id"],
        "provider": provider_of(row),
        "amount": money(row["amount_minor"], row["currency"]),
        "status": row["status"],
        "failure": row["failure"],
        "created_at": rfc3339(row["created_at"]),
        "updated_at": rfc3339(row["updated_at"]),
        "version": row["version"],
    }


def _timestamp(value: datetime | None) -> str | None:
    return None if value is None else rfc3339(value)
