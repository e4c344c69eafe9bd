"""Pages of payments, transactions and payouts, newest first."""

from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from kit.errors import BadQuery
from kit.paging import Page, decode_cursor, page_of
from kit.tokens import Caller
from kit.validation import is_id
from services.payments import queries
from services.payments.ledger import statements as transactions
from services.payments.rendering import Json, Row, render_payout


def list_payments(
    connection: Connection,
    caller: Caller,
    order_id: str,
    action_period: timedelta,
    limit: int,
    cursor: str | None,
) -> Page[dict[str, Any]]:
    """The payments of an order, for its parties and staff.

    Raises: NotFound; queries.OrderUnknown; BadQuery for a cursor of another list.
    """
    queries.require_visible(connection, order_id, caller)
    filters = {"list": "payments", "order_id": order_id}
    before = _before(cursor, filters)
    found = queries.payments_of_order(connection, order_id, caller, action_period, before, limit + 1)
    return page_of(found, limit, filters, lambda one: [one[0]["id"]], lambda one: one[1])


def list_transactions(
    connection: Connection, caller: Caller, limit: int, cursor: str | None
) -> Page[dict[str, Any]]:
    """A person's lines of the ledger. Raises: BadQuery for a cursor of another list."""
    filters = {"list": "transactions", "account_id": caller.id}
    rows = transactions.transactions_of(connection, caller.id, _before(cursor, filters), limit + 1)
    return page_of(rows, limit, filters, _id_of, transactions.render_transaction)


def list_payouts(
    connection: Connection, caller: Caller, limit: int, cursor: str | None
) -> Page[dict[str, Any]]:
    """A provider's payouts. Raises: BadQuery for a cursor of another list."""
    filters = {"list": "payouts", "account_id": caller.id}
    query = queries.payouts_of(caller.id, _before(cursor, filters), limit + 1)
    return page_of(connection.execute(query).mappings().all(), limit, filters, _id_of, render_payout)


def _id_of(row: Row) -> list[Json]:
    return [row["id"]]


def _before(cursor: str | None, filters: Json) -> str | None:
    position = decode_cursor(cursor, filters, 1)
    if position is None:
        return None
    if not is_id(position[0]):
        raise BadQuery.parameter("cursor", "invalid_cursor", "The cursor is not one this API gave out.")
    return str(position[0])
