"""Reads, one statement each; who may see an order is decided inside the statement."""

from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Connection,
    DateTime,
    FromClause,
    Integer,
    Select,
    Uuid,
    and_,
    bindparam,
    or_,
    select,
    text,
    tuple_,
    union_all,
)

from chassis.runtime.audit import log_staff_read
from chassis.storage.idempotency import IS_CLAIMED, FirstStatement
from kit.errors import NotFound
from kit.paging import ByTime, Int32, Page, decode_cursor, page_of
from kit.security.tokens import Caller
from kit.validation import is_id
from services.orders.contract import STATUS_CODES
from services.orders.models import ACCOUNT_NAMES, ORDER_HISTORY, ORDERS
from services.orders.rendering import OrderRow, render_order, render_transition
from services.orders.types import Order, OrderTransition

_ID = Uuid(as_uuid=False)
_CUSTOMER = ACCOUNT_NAMES.alias("customer")
_PROVIDER = ACCOUNT_NAMES.alias("provider")


class BySequence(NamedTuple):
    """The position in an order's history."""

    sequence: Int32


def with_names(orders: FromClause) -> Select[Any]:
    """Selects orders with their parties' current names."""
    return (
        select(
            orders,
            _CUSTOMER.c.display_name.label("customer_name"),
            _PROVIDER.c.display_name.label("provider_name"),
        )
        .join_from(orders, _CUSTOMER, _CUSTOMER.c.account_id == orders.c.customer_id)
        .join(_PROVIDER, _PROVIDER.c.account_id == orders.c.provider_id)
    )


def _may_see() -> ColumnElement[bool]:
    caller = bindparam("caller_id", type_=_ID)
    is_staff = bindparam("is_staff", type_=Boolean())
    return or_(ORDERS.c.customer_id == caller, ORDERS.c.provider_id == caller, is_staff)


ORDER: Select[Any] = with_names(ORDERS)
GET_ORDER = ORDER.where(ORDERS.c.id == bindparam("order_id"), _may_see())
"""One order with its parties' names; no row for strangers. `order_id`, `caller_id`, `is_staff`."""

LOCK_ORDER = GET_ORDER.with_for_update(of=ORDERS)
"""The same, locked until the transaction ends."""

_LOCK_ORDER_FIRST = LOCK_ORDER.where(text(IS_CLAIMED))

LIST_TRANSITIONS: Select[Any] = (
    select(
        ORDER_HISTORY,
        ACCOUNT_NAMES.c.display_name.label("actor_name"),
        ORDERS.c.customer_id,
        ORDERS.c.provider_id,
    )
    .select_from(ORDERS)
    .outerjoin(
        ORDER_HISTORY,
        and_(ORDER_HISTORY.c.order_id == ORDERS.c.id, ORDER_HISTORY.c.sequence > bindparam("after_sequence")),
    )
    .outerjoin(ACCOUNT_NAMES, ACCOUNT_NAMES.c.account_id == ORDER_HISTORY.c.actor_id)
    .where(ORDERS.c.id == bindparam("order_id"), _may_see())
    .order_by(ORDER_HISTORY.c.sequence)
    .limit(bindparam("count", type_=Integer()))
)
"""History after `after_sequence`. No row for strangers; one row of nulls when there is no more."""


def get_order(connection: Connection, order_id: str, caller: Caller) -> Order:
    """Returns an order to one of its parties or staff.

    Raises: NotFound for everybody else.
    """
    row = _one(connection, GET_ORDER, order_id, caller)
    log_staff_read(caller, "order", order_id, _parties(row))
    return render_order(row, caller)


def lock_order(connection: Connection, order_id: str, caller: Caller) -> OrderRow:
    """Returns the same row, locked until the transaction ends.

    Raises: NotFound for strangers.
    """
    return _one(connection, LOCK_ORDER, order_id, caller)


def lock_order_first(order_id: str, caller: Caller) -> FirstStatement:
    """Returns the first statement of a command, which finds and locks the order as `lock_order` does.

    Raises: NotFound for a malformed id.
    """
    if not is_id(order_id):
        raise no_such_order()
    return FirstStatement(_LOCK_ORDER_FIRST, {"order_id": order_id, **_access(caller)})


def list_orders(
    connection: Connection,
    caller: Caller,
    role: str,
    status: list[int] | None,
    sort: str,
    limit: int,
    cursor: str | None,
) -> Page[Order]:
    """Returns a page of the caller's orders in one role, newest first by `sort`.

    Raises: BadQuery for a cursor of another list.
    """
    filters = {"list": "orders", "caller": caller.id, "role": role, "status": status, "sort": sort}
    after = decode_cursor(cursor, filters, ByTime)
    wanted = {f"status_{n}": code for n, code in enumerate(status or STATUS_CODES)}
    statement = orders_statement(role, sort, len(wanted), after is not None)
    position = {} if after is None else {"after_time": after.time, "after_id": after.id}
    parameters = {"caller_id": caller.id, "count": limit + 1, **wanted, **position}
    rows = connection.execute(statement, parameters).mappings().all()
    column = sort.removeprefix("-")
    return page_of(
        rows,
        limit,
        filters,
        lambda row: ByTime(row[column], row["id"]),
        lambda row: render_order(row, caller),
    )


def list_transitions(
    connection: Connection, order_id: str, caller: Caller, limit: int, cursor: str | None
) -> Page[OrderTransition]:
    """Returns a page of an order's history, oldest first.

    Raises: NotFound for strangers; BadQuery for a cursor of another list.
    """
    filters = {"list": "transitions", "order": order_id}
    after = decode_cursor(cursor, filters, BySequence) or BySequence(0)
    if not is_id(order_id):
        raise no_such_order()
    parameters = {"order_id": order_id, "after_sequence": after.sequence, "count": limit + 1}
    rows = connection.execute(LIST_TRANSITIONS, {**parameters, **_access(caller)}).mappings().all()
    if not rows:
        raise no_such_order()
    log_staff_read(caller, "history", order_id, _parties(rows[0]))
    lines = [row for row in rows if row["sequence"] is not None]
    return page_of(lines, limit, filters, lambda row: BySequence(row["sequence"]), render_transition)


@cache
def orders_statement(role: str, sort: str, statuses: int, continued: bool) -> Select[Any]:
    """The caller's orders in one role and so many statuses, newest first by `sort`.

    Parameters: `caller_id`, `count`, `status_0` to `status_<statuses - 1>`; when continued
    `after_time`, `after_id`.

    Each status is read from the index in order and the statuses are merged, so that a page costs
    the same however many orders there are in other statuses, and nothing is ever sorted.
    """
    if statuses == 1:
        return _newest_first(ORDER.where(*_of_caller(role, sort, 0, continued)), ORDERS, sort)
    each = (select(ORDERS).where(*_of_caller(role, sort, n, continued)) for n in range(statuses))
    merged = union_all(*(_newest_first(one, ORDERS, sort) for one in each)).subquery("merged")
    return _newest_first(with_names(merged), merged, sort)


def _of_caller(role: str, sort: str, status: int, continued: bool) -> list[ColumnElement[bool]]:
    wanted = [
        ORDERS.c[f"{role}_id"] == bindparam("caller_id", type_=_ID),
        ORDERS.c.status == bindparam(f"status_{status}"),
    ]
    if continued:
        time = bindparam("after_time", type_=DateTime(timezone=True))
        position = tuple_(time, bindparam("after_id", type_=_ID))
        wanted.append(tuple_(ORDERS.c[sort.removeprefix("-")], ORDERS.c.id) < position)
    return wanted


def _newest_first(orders: Select[Any], source: FromClause, sort: str) -> Select[Any]:
    by = source.c[sort.removeprefix("-")]
    return orders.order_by(by.desc(), source.c.id.desc()).limit(bindparam("count", type_=Integer()))


def _one(connection: Connection, statement: Select[Any], order_id: str, caller: Caller) -> OrderRow:
    found = None
    if is_id(order_id):
        found = connection.execute(statement, {"order_id": order_id, **_access(caller)}).mappings().first()
    if found is None:
        raise no_such_order()
    return dict(found)


def _parties(row: OrderRow) -> tuple[str, str]:
    return row["customer_id"], row["provider_id"]


def _access(caller: Caller) -> dict[str, str | bool]:
    return {"caller_id": caller.id, "is_staff": caller.is_staff}


def no_such_order() -> NotFound:
    """Returns the error for an order that does not exist, or not for the caller."""
    return NotFound("There is no such order.")
