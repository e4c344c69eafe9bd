"""Rows as the JSON of the public contract."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from kit.tokens import Caller
from kit.validation import rfc3339
from services.payments.access import (
    action_expires_at,
    payment_actions,
    receivable_actions,
    refundable_minor,
    role_in_order,
)

Json = dict[str, Any]
Row = Mapping[Any, Any]


def money(amount_minor: int, currency: str) -> Json:
    """An amount with its currency."""
    return {"amount": amount_minor, "currency": currency}


def named_parties(row: Row) -> Json:
    """Who and what an order was about."""
    return {
        "service": {"id": row["service_id"], "title": row["service_title"]},
        "customer": {"id": row["customer_id"], "display_name": row["customer_name"]},
        "provider": {"id": row["provider_id"], "display_name": row["provider_name"]},
    }


def render_receivable(receivable: Row, caller: Caller) -> Json:
    """`contract.Receivable`, for one caller."""
    status = receivable["payment_status"]
    return {
        "order_id": receivable["order_id"],
        "order_number": receivable["number"],
        "amount": money(receivable["amount_minor"], receivable["currency"]),
        "payment_status": status,
        "due_at": rfc3339(receivable["due_at"]),
        "available_actions": receivable_actions(role_in_order(caller, receivable), status),
        "version": receivable["version"],
    }


def render_payment(row: Row, refunds: Iterable[Row], caller: Caller, action_period: timedelta) -> Json:
    """`contract.Payment`, of a row with its receivable and its refunds, for one caller.

    Only the customer gets `action_url`: whoever has it can confirm in the customer's name.
    """
    currency, refunds = row["currency"], list(refunds)
    role, owed = role_in_order(caller, row), row["payment_status"]
    return {
        "id": row["id"],
        "order_id": row["order_id"],
        "order_number": row["number"],
        **named_parties(row),
        "amount": money(row["amount_minor"], currency),
        "fee": money(row["fee_minor"], currency),
        "provider_share": money(row["amount_minor"] - row["fee_minor"], currency),
        "refunded": money(row["refunded_minor"], currency),
        "refundable": money(refundable_minor(row, owed, refunds), currency),
        "status": row["status"],
        "processor": row["processor"],
        "method": row["method"],
        "action_url": row["action_url"] if role == "customer" else None,
        "action_expires_at": _timestamp(action_expires_at(row, action_period)),
        "failure": row["failure"],
        "refunds": [render_refund({**refund, **_of(row)}) for refund in refunds],
        "created_at": rfc3339(row["created_at"]),
        "updated_at": rfc3339(row["updated_at"]),
        "paid_at": _timestamp(row["paid_at"]),
        "available_at": _timestamp(row["available_at"]),
        "available_actions": payment_actions(role, row, owed, refunds),
        "version": row["version"],
    }


def render_refund(row: Row) -> Json:
    """`contract.Refund`, of a row with its payment's order and currency."""
    return {
        "id": row["id"],
        "payment_id": row["payment_id"],
        "order_id": row["order_id"],
        "amount": money(row["amount_minor"], row["currency"]),
        "fee": money(row["fee_minor"], row["currency"]),
        "provider_share": money(row["amount_minor"] - row["fee_minor"], row["currency"]),
        "reason": row["reason"],
        "status": row["status"],
        "created_at": rfc3339(row["created_at"]),
        "updated_at": rfc3339(row["updated_at"]),
    }


def render_payout(row: Row) -> Json:
    """`contract.Payout`."""
    return {
        "id": row["id"],
        "provider": {"id": row["provider_id"], "display_name": row["provider_name"]},
        "amount": money(row["amount_minor"], row["currency"]),
        "status": row["status"],
        "failure": row["failure"],
        "created_at": rfc3339(row["created_at"]),
        "updated_at": rfc3339(row["updated_at"]),
        "version": row["version"],
    }


def _of(payment: Row) -> Json:
    return {"order_id": payment["order_id"], "currency": payment["currency"]}


def _timestamp(value: datetime | None) -> str | None:
    return None if value is None else rfc3339(value)
