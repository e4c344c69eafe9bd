"""Taking a step of an order: for a caller of the service, for a timer, and for an operator."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row

from chassis.runtime.context import Call
from chassis.storage.database import Db
from chassis.storage.idempotency import run_with_first
from services.orders.commands.record_step import Actor, actor_of, record_step
from services.orders.lifecycle import Step, TransitionRequest, advance, decide, roles_between
from services.orders.queries import lock_order_first, no_such_order
from services.orders.rendering import OrderRow, render_order, state_of
from services.orders.settings import OrderPeriods
from services.orders.types import Order


def transition_order(
    db: Db, call: Call, periods: OrderPeriods, order_id: str, request: TransitionRequest
) -> Order:
    """Takes a step of an order for the caller; returns the order as the caller sees it afterwards.

    Raises: NotFound for strangers, and what `decide` raises.
    """
    caller = call.account

    def effect(connection: Connection, found: Row[Any] | None) -> Order:
        if found is None:
            raise no_such_order()
        before = found._mapping
        roles = roles_between(found.customer_id, found.provider_id, caller.id, caller.is_staff)
        after, _ = take_step(connection, before, roles, request, actor_of(caller), periods)
        return render_order(after, caller)

    return run_with_first(db, call, lock_order_first(order_id, caller), effect)


def take_step(
    connection: Connection,
    row: OrderRow,
    roles: tuple[str, ...],
    request: TransitionRequest,
    actor: Actor,
    periods: OrderPeriods,
) -> tuple[OrderRow, Step]:
    """Decides, advances and records one step of a locked order; returns its new row and the step.

    Raises: what `decide` raises.
    """
    order = state_of(row)
    step = decide(order, roles, request)
    after = advance(order, step, datetime.now(UTC), periods)
    return record_step(connection, row, after, step, actor), step
