"""The orders service's statements, built once; the database's part of every promise is here."""

from functools import cache
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    DateTime,
    FromClause,
    Integer,
    Select,
    Update,
    Uuid,
    and_,
    bindparam,
    or_,
    select,
    tuple_,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.sql.dml import ReturningInsert

from services.orders.models import ACCOUNT_NAMES, ORDER_HISTORY, ORDERS, OUTBOX

ID = Uuid(as_uuid=False)
MOMENT = DateTime(timezone=True)
CUSTOMER = ACCOUNT_NAMES.alias("customer")
PROVIDER = ACCOUNT_NAMES.alias("provider")


def _named(orders: FromClause) -> Select[Any]:
    return (
        select(
            orders,
            CUSTOMER.c.display_name.label("customer_name"),
            PROVIDER.c.display_name.label("provider_name"),
        )
        .join_from(orders, CUSTOMER, CUSTOMER.c.account_id == orders.c.customer_id)
        .join(PROVIDER, PROVIDER.c.account_id == orders.c.provider_id)
    )


ORDER: Select[Any] = _named(ORDERS)


def _may_see() -> ColumnElement[bool]:
    caller = bindparam("caller_id", type_=ID)
    is_staff = bindparam("is_staff", type_=Boolean())
    return or_(ORDERS.c.customer_id == caller, ORDERS.c.provider_id == caller, is_staff)


GET_ORDER = ORDER.where(ORDERS.c.id == bindparam("order_id"), _may_see())
"""One order with its parties' names; no row for strangers. `order_id`, `caller_id`, `is_staff`."""

LOCK_ORDER = GET_ORDER.with_for_update(of=ORDERS)
"""The same, locked until the transaction ends."""


@cache
def list_orders(role: str, sort: str, statuses: int, continued: bool) -> Select[Any]:
    """The caller's orders in one role and so many statuses, newest first by `sort`.

    Parameters: `caller_id`, `count`, `status_0` to `status_<statuses - 1>`; when continued
    `after_moment`, `after_id`.

    Each status is read from the index in order and the statuses are merged, so that a page costs
    the same however many orders there are in other statuses, and nothing is ever sorted.
    """
    if statuses == 1:
        return _newest_first(ORDER.where(*_own(role, sort, 0, continued)), ORDERS, sort)
    each = (select(ORDERS).where(*_own(role, sort, n, continued)) for n in range(statuses))
    merged = union_all(*(_newest_first(one, ORDERS, sort) for one in each)).subquery("merged")
    return _newest_first(_named(merged), merged, sort)


def _own(role: str, sort: str, status: int, continued: bool) -> list[ColumnElement[bool]]:
    wanted = [
        ORDERS.c[f"{role}_id"] == bindparam("caller_id", type_=ID),
        ORDERS.c.status == bindparam(f"status_{status}"),
    ]
    if continued:
        position = tuple_(bindparam("after_moment", type_=MOMENT), bindparam("after_id", type_=ID))
        wanted.append(tuple_(ORDERS.c[sort.removeprefix("-")], ORDERS.c.id) < position)
    return wanted


def _newest_first(orders: Select[Any], source: FromClause, sort: str) -> Select[Any]:
    by = source.c[sort.removeprefix("-")]
    return orders.order_by(by.desc(), source.c.id.desc()).limit(bindparam("count", type_=Integer()))


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


def _account_names(*people: str) -> Insert:
    rows = [
        {
            "account_id": bindparam(f"{person}_id", type_=ID),
            "display_name": bindparam(f"{person}_name"),
            "account_version": 0,
        }
        for person in people
    ]
    return insert(ACCOUNT_NAMES).values(rows).on_conflict_do_nothing()


def _known_name(person: str) -> ColumnElement[Any]:
    known = select(ACCOUNT_NAMES.c.display_name)
    return known.where(ACCOUNT_NAMES.c.account_id == bindparam(f"{person}_id", type_=ID)).scalar_subquery()


# Always the smaller id first, so that two people who order from each other never wait crosswise.
INSERT_ORDER: ReturningInsert[Any] = (
    insert(ORDERS)
    .add_cte(_account_names("first", "second").cte("named"))
    .returning(
        ORDERS.c.number,
        _known_name("first").label("first_known"),
        _known_name("second").label("second_known"),
    )
)
"""A new order, given by its columns. The parties' names (`first_id`, `first_name`, `second_id`,
`second_name`) are kept if none are known yet; those known before are answered, null for none."""

UPDATE_ORDER: Update = update(ORDERS).where(ORDERS.c.id == bindparam("changed_id"))
"""Sets the columns it is given on the order `changed_id`."""


@cache
def record_step(names_actor: bool) -> Insert:
    """A line of history and its event, in one statement; with the actor's name for staff."""
    history = {
        column.name: bindparam(f"history_{column.name}", type_=column.type) for column in ORDER_HISTORY.c
    }
    columns = ("event_id", "type", "body", "context")
    event = {name: bindparam(f"event_{name}", type_=OUTBOX.c[name].type) for name in columns}
    statement = insert(OUTBOX).values(event).add_cte(insert(ORDER_HISTORY).values(history).cte("step"))
    if names_actor:
        statement = statement.add_cte(_account_names("history_actor").cte("named"))
    return statement


def _due(clock: str, *conditions: ColumnElement[bool]) -> Select[Any]:
    column = ORDERS.c[clock]
    position = tuple_(bindparam("after_moment", type_=MOMENT), bindparam("after_id", type_=ID))
    # The batch is cut before the names are joined, so that its size bounds the plan.
    due = (
        select(ORDERS)
        .where(
            column <= bindparam("until", type_=MOMENT), tuple_(column, ORDERS.c.id) > position, *conditions
        )
        .order_by(column, ORDERS.c.id)
        .limit(bindparam("count", type_=Integer()))
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    return _named(due)


TO_EXPIRE = _due("created_at", ORDERS.c.status == 1)
TO_CONFIRM = _due("confirm_by", ORDERS.c.confirm_by.is_not(None))
TO_REMIND = _due(
    "next_reminder_at",
    ORDERS.c.next_reminder_at.is_not(None),
    ORDERS.c.confirm_by > bindparam("now", type_=MOMENT),
)
"""Orders whose clock ran out by `until`, locked; those that others hold are left out. The first
`count` after the position `after_moment`, `after_id`, in any order. TO_REMIND leaves out those that
are to be confirmed by `now`."""
