"""The ledger as one person sees it: transactions, and a provider's month."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, FromClause, Select, case, cast, func, select

from kit.security.tokens import Caller
from kit.validation import rfc3339
from services.payments.access import Row
from services.payments.contract import MAX_STATEMENT_LINES
from services.payments.ledger.rules import KINDS
from services.payments.models import ACCOUNT_NAMES, ENTRIES, MOVEMENTS, RECEIVABLES
from services.payments.rendering import money
from services.payments.types import Statement, StatementTotal, Transaction

PROVIDER_ACCOUNTS = ("provider_pending", "provider_available")
TYPES = {"payout": "payout", "payout_return": "payout_returned", "release": "release", "refund": "refund"}


def transactions_of(connection: Connection, account_id: str, before_id: str | None, count: int) -> list[Row]:
    """A person's lines, newest first."""
    lines = _lines(account_id)
    if before_id is not None:
        lines = lines.where(ENTRIES.c.movement_id < before_id)
    page = lines.order_by(ENTRIES.c.movement_id.desc()).limit(count).subquery("page")
    return list(connection.execute(_described(page).order_by(page.c.id.desc())).mappings())


def render_transaction(row: Row) -> Transaction:
    """One line of the ledger."""
    currency, is_provider = row["currency"], row["paid"] == 0
    kind = TYPES.get(row["kind"]) or ("earning" if is_provider else "payment")
    return {
        "id": row["id"],
        "type": kind,
        "role": "provider" if is_provider else "customer",
        "amount": money(row["paid"] + row["pending"] + row["available"], currency),
        "pending": money(row["pending"], currency),
        "available": money(row["available"], currency),
        "order_id": row["order_id"],
        "order_number": row["number"],
        "service_title": row["service_title"],
        "payment_id": row["payment_id"],
        "payout_id": row["payout_id"],
        "created_at": rfc3339(row["created_at"]),
    }


def statement_of(connection: Connection, caller: Caller, month: str) -> Statement:
    """A provider's month in UTC."""
    begin, end = bounds_of(month)
    opening = _balances_before(connection, caller.id, begin)
    rows = _lines_between(connection, caller.id, begin, end)
    currencies = sorted({*opening, *(row["currency"] for row in rows)})
    name = connection.scalar(
        select(ACCOUNT_NAMES.c.display_name).where(ACCOUNT_NAMES.c.account_id == caller.id)
    )
    lines = [row for row in rows if row["kind"] != "release"]
    return {
        "month": month,
        "provider": {"id": caller.id, "display_name": name or caller.display_name},
        "totals": [_total(currency, opening.get(currency, 0), rows) for currency in currencies],
        "lines": [render_transaction(row) for row in lines[:MAX_STATEMENT_LINES]],
        "lines_left_out": max(0, len(lines) - MAX_STATEMENT_LINES),
    }


def bounds_of(month: str) -> tuple[datetime, datetime]:
    """The begin of a month and of the next one."""
    year, number = (int(part) for part in month.split("-"))
    after = (year + 1, 1) if number == 12 else (year, number + 1)
    return datetime(year, number, 1, tzinfo=UTC), datetime(*after, 1, tzinfo=UTC)


def _total(currency: str, opening: int, rows: Sequence[Row]) -> StatementTotal:
    in_currency = [row for row in rows if row["currency"] == currency]

    def sum_of(kinds: tuple[str, ...], *columns: str) -> int:
        return sum(row[column] for row in in_currency for column in columns if row["kind"] in kinds)

    changes = ("pending", "available")
    return {
        "currency": currency,
        "opening": opening,
        "gross": sum_of(("capture",), *changes, "fee"),
        "fees": sum_of(("capture", "refund"), "fee"),
        "refunded": -sum_of(("refund",), *changes, "fee"),
        "paid_out": -sum_of(("payout", "payout_return"), *changes),
        "closing": opening + sum_of(KINDS, *changes),
    }


def _balances_before(connection: Connection, account_id: str, time: datetime) -> dict[str, int]:
    earlier = (
        select(ENTRIES.c.currency, _sum(ENTRIES.c.amount_minor).label("amount"))
        .join(MOVEMENTS, MOVEMENTS.c.id == ENTRIES.c.movement_id)
        .where(ENTRIES.c.owner_id == account_id, ENTRIES.c.account.in_(PROVIDER_ACCOUNTS))
        .where(MOVEMENTS.c.created_at < time)
        .group_by(ENTRIES.c.currency)
    )
    return {row.currency: row.amount for row in connection.execute(earlier)}


def _lines_between(connection: Connection, account_id: str, begin: datetime, end: datetime) -> Sequence[Row]:
    lines = _lines(account_id).where(ENTRIES.c.account.in_(PROVIDER_ACCOUNTS)).subquery("month")
    within = _described(lines).where(MOVEMENTS.c.created_at >= begin, MOVEMENTS.c.created_at < end)
    return connection.execute(within.order_by(lines.c.id)).mappings().all()


def _lines(account_id: str) -> Select[Any]:
    """One line per movement: what the person's accounts changed by."""
    return (
        select(
            ENTRIES.c.movement_id.label("id"),
            ENTRIES.c.currency,
            _sum_of("customer_funds").label("paid"),
            _sum_of("provider_pending").label("pending"),
            _sum_of("provider_available").label("available"),
        )
        .where(ENTRIES.c.owner_id == account_id)
        .group_by(ENTRIES.c.movement_id, ENTRIES.c.currency)
    )


def _described(lines: FromClause) -> Select[Any]:
    """Lines with what they were for, and the platform's part of their movement (`fee`)."""
    fees = ENTRIES.alias("fees")
    of_platform = (fees.c.movement_id == lines.c.id) & (fees.c.account == "platform_fee")
    described = ("kind", "order_id", "payment_id", "payout_id", "created_at")
    return (
        select(
            *lines.c,
            *(MOVEMENTS.c[name] for name in described),
            RECEIVABLES.c.number,
            RECEIVABLES.c.service_title,
            func.coalesce(fees.c.amount_minor, 0).label("fee"),
        )
        .select_from(lines)
        .join(MOVEMENTS, MOVEMENTS.c.id == lines.c.id)
        .outerjoin(RECEIVABLES, RECEIVABLES.c.order_id == MOVEMENTS.c.order_id)
        .outerjoin(fees, of_platform)
    )


def _sum(column: ColumnElement[Any]) -> ColumnElement[int]:
    return cast(func.coalesce(func.sum(column), 0), BigInteger)


def _sum_of(account: str) -> ColumnElement[int]:
    return _sum(case((ENTRIES.c.account == account, ENTRIES.c.amount_minor), else_=0))
