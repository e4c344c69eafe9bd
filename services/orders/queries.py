"""Reads, one statement each; who may see an order is decided inside the statement."""

from typing import Any

from sqlalchemy import Connection

from chassis.runtime.audit import log_staff_read
from kit.errors import BadQuery, NotFound
from kit.paging import Page, decode_cursor, page_of
from kit.tokens import Caller
from kit.validation import is_id, read_rfc3339, rfc3339
from services.orders import statements as queries
from services.orders.contract import STATUS_CODES
from services.orders.rendering import Row, render_order, render_transition


def get_order(connection: Connection, order_id: str, caller: Caller) -> dict[str, Any]:
    """An order for one of its parties or staff.

    Raises: NotFound for everybody else.
    """
    row = _one(connection, queries.GET_ORDER, order_id, caller)
    log_staff_read(caller, "order", order_id, _parties(row))
    return render_order(row, caller)


def lock_order(connection: Connection, order_id: str, caller: Caller) -> Row:
    """The same row, locked until the transaction ends.

    Raises: NotFound for strangers.
    """
    return _one(connection, queries.LOCK_ORDER, order_id, caller)


def list_orders(
    connection: Connection,
    caller: Caller,
    role: str,
    status: list[int] | None,
    sort: str,
    limit: int,
    cursor: str | None,
) -> Page[dict[str, Any]]:
    """A page of the caller's orders in one role, newest first by `sort`.

    Raises: BadQuery for a cursor of another list.
    """
    filters = {"list": "orders", "caller": caller.id, "role": role, "status": status, "sort": sort}
    position = _position(decode_cursor(cursor, filters, 2))
    wanted = {f"status_{n}": code for n, code in enumerate(status or STATUS_CODES)}
    statement = queries.list_orders(role, sort, len(wanted), position is not None)
    parameters = {"caller_id": caller.id, "count": limit + 1, **wanted, **(position or {})}
    rows = connection.execute(statement, parameters).mappings().all()
    column = sort.removeprefix("-")
    return page_of(
        rows,
        limit,
        filters,
        lambda row: [rfc3339(row[column]), row["id"]],
        lambda row: render_order(row, caller),
    )


def list_transitions(
    connection: Connection, order_id: str, caller: Caller, limit: int, cursor: str | None
) -> Page[dict[str, Any]]:
    """A page of an order's history, oldest first.

    Raises: NotFound for strangers; BadQuery for a cursor of another list.
    """
    filters = {"list": "transitions", "order": order_id}
    after = decode_cursor(cursor, filters, 1) or [0]
    if type(after[0]) is not int or not 0 <= after[0] < 2**31:
        raise _bad_cursor()
    if not is_id(order_id):
        raise _no_such_order()
    parameters = {"order_id": order_id, "after_sequence": after[0], "count": limit + 1, **_access(caller)}
    rows = connection.execute(queries.LIST_TRANSITIONS, parameters).mappings().all()
    if not rows:
        raise _no_such_order()
    log_staff_read(caller, "history", order_id, _parties(rows[0]))
    lines = [row for row in rows if row["sequence"] is not None]
    return page_of(lines, limit, filters, lambda row: [row["sequence"]], render_transition)


def _one(connection: Connection, statement: Any, order_id: str, caller: Caller) -> Row:
    found = None
    if is_id(order_id):
        found = connection.execute(statement, {"order_id": order_id, **_access(caller)}).mappings().first()
    if found is None:
        raise _no_such_order()
    return dict(found)


def _parties(row: Row) -> tuple[str, str]:
    return row["customer_id"], row["provider_id"]


def _access(caller: Caller) -> dict[str, Any]:
    return {"caller_id": caller.id, "is_staff": caller.is_staff}


def _position(after: list[Any] | None) -> dict[str, Any] | None:
    if after is None:
        return None
    moment, order_id = after
    if not is_id(order_id):
        raise _bad_cursor()
    try:
        return {"after_moment": read_rfc3339(moment), "after_id": order_id}
    except ValueError as error:
        raise _bad_cursor() from error


def _bad_cursor() -> BadQuery:
    return BadQuery.parameter("cursor", "invalid_cursor", "The cursor cannot be used.")


def _no_such_order() -> NotFound:
    return NotFound("There is no such order.")
