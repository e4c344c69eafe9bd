"""The clocks of orders: expiry, reminders and confirmation, run by timers on every replica."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import structlog
from sqlalchemy import Connection, Select

from chassis.storage.database import Db
from services.orders import statements as queries
from services.orders.commands.record_step import SYSTEM, record_reminder, record_step
from services.orders.lifecycle import SYSTEM as SYSTEM_ROLE
from services.orders.lifecycle import Wish, advance, decide, reminded
from services.orders.rendering import Row, state_of
from services.orders.settings import OrderPeriods

log = structlog.get_logger(__name__)

BATCH = 50
Position = tuple[datetime, str]
START: Position = (datetime(1, 1, 1, tzinfo=UTC), "00000000-0000-0000-0000-000000000000")
Act = Callable[[Connection, Row, OrderPeriods], None]


@dataclass(frozen=True)
class Clock:
    """One kind of due work: how it is found, by which column it is ordered, what is done."""

    name: str
    due: Select[Any]
    column: str
    act: Act


def run_clock(db: Db, clock: Clock, periods: OrderPeriods) -> None:
    """Works off everything due now, a batch to a transaction.

    Orders that another replica or a party holds are left out. One that fails is logged and left
    to the next run; the rest goes on behind it, and each order is looked at once per run.
    """
    now = datetime.now(UTC)
    position: Position | None = START
    while position is not None:
        work_off = partial(_work_off, clock=clock, periods=periods, now=now, after=position)
        position = db.write(work_off)


def _work_off(
    connection: Connection, clock: Clock, periods: OrderPeriods, now: datetime, after: Position
) -> Position | None:
    until = now - periods.expiry if clock is EXPIRY else now
    moment, order_id = after
    found = {"until": until, "now": now, "after_moment": moment, "after_id": order_id, "count": BATCH}
    rows = connection.execute(clock.due, found).mappings().all()
    for row in rows:
        _try(connection, clock, periods, row)
    last = max(((row[clock.column], row["id"]) for row in rows), default=None)
    return last if len(rows) == BATCH else None


def _try(connection: Connection, clock: Clock, periods: OrderPeriods, row: Row) -> None:
    try:
        with connection.begin_nested():
            clock.act(connection, row, periods)
    except Exception:
        if connection.invalidated:
            raise
        log.exception("order_clock_failed", clock=clock.name, order_id=row["id"])


def _transition(transition: str) -> Act:
    def act(connection: Connection, row: Row, periods: OrderPeriods) -> None:
        order = state_of(row)
        step = decide(order, (SYSTEM_ROLE,), Wish(transition))
        record_step(connection, row, advance(order, step, datetime.now(UTC), periods), step, SYSTEM)

    return act


def _remind(connection: Connection, row: Row, periods: OrderPeriods) -> None:
    order = state_of(row)
    record_reminder(connection, row, reminded(order, periods), _day_of_reminder(row))


def _day_of_reminder(row: Row) -> int:
    # The day it was promised for, whatever the setting says by now.
    days: int = (row["next_reminder_at"] - row["work_completed_at"]).days
    return days


EXPIRY = Clock("expire", queries.TO_EXPIRE, "created_at", _transition("expire"))
CONFIRMATION = Clock("auto_confirm", queries.TO_CONFIRM, "confirm_by", _transition("auto_confirm"))
REMINDERS = Clock("remind", queries.TO_REMIND, "next_reminder_at", _remind)
