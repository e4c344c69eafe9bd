"""The timers of orders: expiry, reminders and confirmation, run on every replica."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import structlog
from sqlalchemy import ColumnElement, Connection, DateTime, Integer, Select, Uuid, bindparam, select, tuple_

from chassis.storage import outbox
from chassis.storage.database import Db
from kit.validation import rfc3339
from services.orders.commands.record_step import SYSTEM_ACTOR, update_order
from services.orders.commands.take_step import take_step
from services.orders.contract import ORDER_REMINDER_DUE, Status
from services.orders.lifecycle import SYSTEM, TransitionRequest, reminded
from services.orders.models import ORDERS
from services.orders.queries import with_names
from services.orders.rendering import OrderRow, number_of, party_of, service_of, state_of
from services.orders.settings import OrderPeriods

log = structlog.get_logger(__name__)

BATCH = 50
Position = tuple[datetime, str]
START: Position = (datetime(1, 1, 1, tzinfo=UTC), "00000000-0000-0000-0000-000000000000")
Action = Callable[[Connection, OrderRow, OrderPeriods], None]
_TIME = DateTime(timezone=True)


def _due(column_name: str, *conditions: ColumnElement[bool]) -> Select[Any]:
    """Orders whose time has come by `until`, locked; those that others hold are left out.

    The first `count` after the position `after_time`, `after_id`, in any order.
    """
    column = ORDERS.c[column_name]
    position = tuple_(bindparam("after_time", type_=_TIME), bindparam("after_id", type_=Uuid(as_uuid=False)))
    # The batch is cut before the names are joined, so that its size bounds the plan.
    due = (
        select(ORDERS)
        .where(column <= bindparam("until", type_=_TIME), tuple_(column, ORDERS.c.id) > position, *conditions)
        .order_by(column, ORDERS.c.id)
        .limit(bindparam("count", type_=Integer()))
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    return with_names(due)


@dataclass(frozen=True)
class Timer:
    """One kind of due work: how it is found, by which column it is ordered, and what is done."""

    name: str
    due: Select[Any]
    column: str
    action: Action


def run_timer(db: Db, timer: Timer, periods: OrderPeriods) -> None:
    """Processes everything due now, a batch to a transaction.

    Orders that another replica or a party holds are left out. One that fails is logged and left
    to the next run; the rest is processed, and each order is read once per run.
    """
    now = datetime.now(UTC)
    position: Position | None = START
    while position is not None:
        process = partial(_process_batch, timer=timer, periods=periods, now=now, after=position)
        position = db.write(process)


def _process_batch(
    connection: Connection, timer: Timer, periods: OrderPeriods, now: datetime, after: Position
) -> Position | None:
    until = now - periods.expiry if timer is EXPIRY else now
    after_time, after_id = after
    parameters = {"until": until, "now": now, "after_time": after_time, "after_id": after_id, "count": BATCH}
    rows = connection.execute(timer.due, parameters).mappings().all()
    for row in rows:
        _process_order(connection, timer, periods, row)
    last = max(((row[timer.column], row["id"]) for row in rows), default=None)
    return last if len(rows) == BATCH else None


def _process_order(connection: Connection, timer: Timer, periods: OrderPeriods, row: OrderRow) -> None:
    try:
        with connection.begin_nested():
            timer.action(connection, row, periods)
    except Exception:
        if connection.invalidated:
            raise
        log.exception("order_timer_failed", timer=timer.name, order_id=row["id"])


def _transition(transition: str) -> Action:
    def action(connection: Connection, row: OrderRow, periods: OrderPeriods) -> None:
        take_step(connection, row, (SYSTEM,), TransitionRequest(transition), SYSTEM_ACTOR, periods)

    return action


def _remind(connection: Connection, row: OrderRow, periods: OrderPeriods) -> None:
    """Records that the reminder of a day was sent, with its event."""
    update_order(connection, row, reminded(state_of(row), periods))
    outbox.record(
        connection,
        ORDER_REMINDER_DUE,
        order_id=row["id"],
        number=number_of(row),
        service=service_of(row),
        customer=party_of(row, "customer"),
        provider=party_of(row, "provider"),
        kind="confirm",
        day=_day_of_reminder(row),
        confirm_by=rfc3339(row["confirm_by"]),
    )


def _day_of_reminder(row: OrderRow) -> int:
    # The day for which the reminder was planned, even if the setting has changed since.
    days: int = (row["next_reminder_at"] - row["work_completed_at"]).days
    return days


EXPIRY = Timer(
    "expire", _due("created_at", ORDERS.c.status == Status.PENDING), "created_at", _transition("expire")
)
CONFIRMATION = Timer(
    "auto_confirm",
    _due("confirm_by", ORDERS.c.confirm_by.is_not(None)),
    "confirm_by",
    _transition("auto_confirm"),
)
# An order that is to be confirmed by now gets no reminder.
REMINDERS = Timer(
    "remind",
    _due(
        "next_reminder_at",
        ORDERS.c.next_reminder_at.is_not(None),
        # IS TRUE: only the index of reminders is to be read, never that of confirmations beside it.
        (ORDERS.c.confirm_by > bindparam("now", type_=_TIME)).is_(True),
    ),
    "next_reminder_at",
    _remind,
)
