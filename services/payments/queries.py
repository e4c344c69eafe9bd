"""Reads: receivables, payments with their refunds, payouts, balances and transactions."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Select, or_, select

from chassis.runtime.audit import log_staff_read
from kit.paging import ById, Page, decode_cursor, page_of
from kit.security.tokens import Caller
from kit.validation import is_id
from services.payments.access import Row, not_found, role_in_order
from services.payments.ledger.funds import payable_funds
from services.payments.ledger.statements import render_transaction, transactions_of
from services.payments.models import BALANCES, PAYMENTS, PAYOUTS, RECEIVABLES, REFUNDS
from services.payments.rendering import money, render_payment, render_payout, render_receivable
from services.payments.rows import CURRENT_NAMES, find_receivable, join_names
from services.payments.types import Balance, Payment, Payout, Receivable, Transaction
from services.unknown_orders import OrderUnknown

REFUND_PREFIX = "refund_"
_OF_REFUND = [column.label(f"{REFUND_PREFIX}{column.name}") for column in REFUNDS.c]
_OF_ORDER = ("number", "service_id", "service_title", "customer_id", "provider_id", "payment_status")


def receivable_of_order(connection: Connection, caller: Caller, order_id: str) -> Receivable:
    """What an order owes, for its parties and staff. Raises: NotFound; OrderUnknown."""
    return render_receivable(_visible_receivable(connection, caller, order_id), caller)


def payment_by_id(
    connection: Connection, caller: Caller, payment_id: str, action_period: timedelta
) -> Payment:
    """One payment, for the parties of its order and staff. Raises: NotFound."""
    if not is_id(payment_id):
        raise not_found()
    chosen = select(PAYMENTS).where(PAYMENTS.c.id == payment_id)
    statement = _with_order_and_refunds(chosen).where(RECEIVABLES.c.order_id == _order_of(payment_id))
    allowed = statement if caller.is_staff else statement.where(_is_party(caller))
    rendered = _rendered(connection.execute(allowed).mappings().all(), caller, action_period)
    if not rendered:
        raise not_found()
    row, payment = rendered[0]
    log_staff_read(caller, "payment", row["order_id"], (row["customer_id"], row["provider_id"]))
    return payment


def list_payments(
    connection: Connection,
    caller: Caller,
    order_id: str,
    action_period: timedelta,
    limit: int,
    cursor: str | None,
) -> Page[Payment]:
    """The payments of an order, newest first, for its parties and staff.

    Raises: NotFound; OrderUnknown; BadQuery for a cursor of another list.
    """
    if not is_id(order_id):
        raise not_found()
    filters = {"list": "payments", "order_id": order_id}
    page = select(PAYMENTS).where(PAYMENTS.c.order_id == order_id)
    if position := decode_cursor(cursor, filters, ById):
        page = page.where(PAYMENTS.c.id < position.id)
    newest = page.order_by(PAYMENTS.c.id.desc()).limit(limit + 1)
    statement = _with_order_and_refunds(newest).where(RECEIVABLES.c.order_id == order_id)
    rows = connection.execute(statement).mappings().all()
    _check_visible(rows[0] if rows else None, caller, order_id)
    found = _rendered([row for row in rows if row["id"] is not None], caller, action_period)
    return page_of(found, limit, filters, lambda one: ById(one[0]["id"]), lambda one: one[1])


def list_transactions(
    connection: Connection, caller: Caller, limit: int, cursor: str | None
) -> Page[Transaction]:
    """The caller's lines of the ledger, newest first. Raises: BadQuery for a cursor of another list."""
    filters = {"list": "transactions", "account_id": caller.id}
    position = decode_cursor(cursor, filters, ById)
    rows = transactions_of(connection, caller.id, position.id if position else None, limit + 1)
    return page_of(rows, limit, filters, _position, render_transaction)


def list_payouts(connection: Connection, caller: Caller, limit: int, cursor: str | None) -> Page[Payout]:
    """The caller's payouts, newest first. Raises: BadQuery for a cursor of another list."""
    filters = {"list": "payouts", "account_id": caller.id}
    statement = select(PAYOUTS).where(PAYOUTS.c.provider_id == caller.id)
    if position := decode_cursor(cursor, filters, ById):
        statement = statement.where(PAYOUTS.c.id < position.id)
    newest = statement.order_by(PAYOUTS.c.id.desc()).limit(limit + 1)
    return page_of(connection.execute(newest).mappings().all(), limit, filters, _position, render_payout)


def balance_of(connection: Connection, caller: Caller) -> Balance:
    """The caller's balance in each currency they ever earned, and what of it can be paid out."""
    statement = select(BALANCES).where(BALANCES.c.provider_id == caller.id).order_by(BALANCES.c.currency)
    rows = connection.execute(statement).mappings().all()
    payable = payable_funds(connection, caller.id)
    return {
        "available": [money(row["available_minor"], row["currency"]) for row in rows],
        "pending": [money(row["pending_minor"], row["currency"]) for row in rows],
        "payable": [money(amount_minor, currency) for currency, amount_minor in payable if amount_minor > 0],
    }


def _visible_receivable(connection: Connection, caller: Caller, order_id: str) -> Row:
    if not is_id(order_id):
        raise not_found()
    return _check_visible(find_receivable(connection, order_id), caller, order_id)


def _check_visible(receivable: Row | None, caller: Caller, order_id: str) -> Row:
    if receivable is None:
        raise OrderUnknown(not_found().detail)
    if role_in_order(caller, receivable) is None:
        raise not_found()
    log_staff_read(caller, "payments", order_id, (receivable["customer_id"], receivable["provider_id"]))
    return receivable


def _is_party(caller: Caller) -> Any:
    return or_(RECEIVABLES.c.customer_id == caller.id, RECEIVABLES.c.provider_id == caller.id)


def _order_of(payment_id: str) -> Any:
    return select(PAYMENTS.c.order_id).where(PAYMENTS.c.id == payment_id).scalar_subquery()


def _with_order_and_refunds(payments: Select[Any]) -> Select[Any]:
    """A row for each refund of the payments, or one for a payment without; one even without payments."""
    chosen = payments.subquery("chosen")
    joined = (
        join_names(RECEIVABLES)
        .outerjoin(chosen, chosen.c.order_id == RECEIVABLES.c.order_id)
        .outerjoin(REFUNDS, REFUNDS.c.payment_id == chosen.c.id)
    )
    columns = (*chosen.c, *(RECEIVABLES.c[name] for name in _OF_ORDER), *CURRENT_NAMES, *_OF_REFUND)
    return select(*columns).select_from(joined).order_by(chosen.c.id.desc(), REFUNDS.c.id)


def _rendered(rows: Sequence[Row], caller: Caller, action_period: timedelta) -> list[tuple[Row, Payment]]:
    """Payments as rows and as answers to one caller."""
    payments = [list(group) for _, group in groupby(rows, lambda row: row["id"])]
    return [
        (group[0], render_payment(group[0], _refunds(group), caller, action_period)) for group in payments
    ]


def _refunds(rows: Sequence[Row]) -> list[Row]:
    """The refunds of one payment."""
    return [
        {column.name: row[f"{REFUND_PREFIX}{column.name}"] for column in REFUNDS.c}
        for row in rows
        if row[f"{REFUND_PREFIX}id"] is not None
    ]


def _position(row: Row) -> ById:
    return ById(row["id"])
