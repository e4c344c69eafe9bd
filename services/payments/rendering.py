"""Rows as the JSON of the public contract."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from kit.validation import rfc3339

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


def render_payment(row: Row, refunds: Iterable[Row], viewer_id: str) -> Json:
    """`contract.Payment`, of a row with its due and its refunds, for somebody.

    Whoever has `action_url` can say yes in the customer's name, so nobody else gets it.
    """
    currency = row["currency"]
    return {
        "id": row["id"],
        "order_id": row["order_id"],
        "order_number": row["number"],
        **named_parties(row),
        "amount": money(row["amount_minor"], currency),
        "fee": money(row["fee_minor"], currency),
        "provider_share": money(row["amount_minor"] - row["fee_minor"], currency),
        "refunded": money(row["refunded_minor"], currency),
        "status": row["status"],
        "processor": row["processor"],
        "method": row["method"],
        "action_url": row["action_url"] if viewer_id == row["customer_id"] else None,
        "failure": row["failure"],
        "refunds": [render_refund({**refund, **_of(row)}) for refund in refunds],
        "created_at": rfc3339(row["created_at"]),
        "updated_at": rfc3339(row["updated_at"]),
        "paid_at": _moment(row["paid_at"]),
        "available_at": _moment(row["available_at"]),
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


def _moment(value: datetime | None) -> str | None:
    return None if value is None else rfc3339(value)
