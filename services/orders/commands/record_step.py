"""Recording a step: the order's row, a line of its history and its event, with one statement."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, Update, bindparam, update
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.sql.dml import ReturningInsert

from chassis.storage import outbox
from kit.security.tokens import Caller
from kit.validation import rfc3339
from services.orders.contract import ORDER_STATUS_CHANGED
from services.orders.lifecycle import STAFF, OrderState, Step
from services.orders.models import ORDER_HISTORY, ORDERS, OUTBOX
from services.orders.projections import insert_unknown_names
from services.orders.rendering import (
    AGREED_FIELDS,
    STATE_FIELDS,
    SYSTEM_NAME,
    OrderRow,
    number_of,
    party_of,
    price_of,
    service_of,
)
from services.orders.types import OrderStatusChangedFields


@dataclass(frozen=True)
class Actor:
    """Who takes a step; the system has no id."""

    id: str | None
    display_name: str


SYSTEM_ACTOR = Actor(None, SYSTEM_NAME)


def actor_of(caller: Caller) -> Actor:
    """Returns the signed-in person as an actor."""
    return Actor(caller.id, caller.display_name)


def bound(columns: Iterable[Column[Any]], prefix: str) -> dict[str, Any]:
    """Returns a parameter `<prefix>_<name>` for each column, as values of an INSERT or UPDATE."""
    return {column.name: bindparam(f"{prefix}_{column.name}", type_=column.type) for column in columns}


def recording(*changes: Update | Insert) -> ReturningInsert[int]:
    """Returns a statement that inserts a line of history and its event, and makes further changes."""
    columns = ("event_id", "type", "body", "context")
    statement = insert(OUTBOX).values(bound((OUTBOX.c[name] for name in columns), "event"))
    history = insert(ORDER_HISTORY).values(bound(ORDER_HISTORY.c, "history"))
    for number, change in enumerate((*changes, history)):
        statement = statement.add_cte(change.cte(f"change_{number}"))
    return statement.returning(OUTBOX.c.id)


# What never changes after the submission is left out.
_STATE = [ORDERS.c[name] for name in STATE_FIELDS if name not in AGREED_FIELDS]
UPDATE_ORDER: Update = (
    update(ORDERS).where(ORDERS.c.id == bindparam("changed_id")).values(bound(_STATE, "state"))
)
"""Sets the state (`state_<column>`) of the order `changed_id`."""

# The parties' names are stored at submission, and the system's belongs to no account.
_RECORD_STEP = recording(UPDATE_ORDER)
_RECORD_STEP_OF_STAFF = recording(UPDATE_ORDER, insert_unknown_names("actor"))


def record_step(
    connection: Connection, row: OrderRow, after: OrderState, step: Step, actor: Actor
) -> OrderRow:
    """Saves the order after a step with its history and event; returns the new row. One statement."""
    row = {**row, **vars(after)}
    changes = _changes(row["id"], after)
    statement = _RECORD_STEP
    if step.role == STAFF:
        statement = _RECORD_STEP_OF_STAFF
        changes |= {"actor_id": actor.id, "actor_name": actor.display_name}
    record(connection, statement, changes, row, after, step, actor)
    return row


def update_order(connection: Connection, row: OrderRow, after: OrderState) -> OrderRow:
    """Updates the order's state without a step; returns the new row."""
    connection.execute(UPDATE_ORDER, _changes(row["id"], after))
    return {**row, **vars(after)}


def record(
    connection: Connection,
    statement: ReturningInsert[int],
    changes: Mapping[str, Any],
    row: OrderRow,
    after: OrderState,
    step: Step,
    actor: Actor,
) -> None:
    """Executes a statement made by `recording`; `changes` are the parameters of its further changes."""
    event = outbox.row(ORDER_STATUS_CHANGED, **_event(row, after, step, actor))
    history = {
        "order_id": row["id"],
        "sequence": after.sequence,
        "transition": step.transition,
        "from_status": step.from_status,
        "to_status": step.to_status,
        "actor_id": actor.id,
        "actor_role": step.role,
        "reason": step.reason,
        "note": step.note,
        "created_at": after.updated_at,
    }
    parameters = {
        **changes,
        **{f"history_{name}": value for name, value in history.items()},
        **{f"event_{name}": value for name, value in event.items()},
    }
    outbox.mark(connection, event, connection.execute(statement, parameters).scalar_one())


def _changes(order_id: str, after: OrderState) -> dict[str, Any]:
    state = vars(after)
    return {"changed_id": order_id, **{f"state_{column.name}": state[column.name] for column in _STATE}}


def _event(row: OrderRow, after: OrderState, step: Step, actor: Actor) -> OrderStatusChangedFields:
    event: OrderStatusChangedFields = {
        "order_id": row["id"],
        "number": number_of(row),
        "order_version": after.version,
        "transition": step.transition,
        "from_status": None if step.from_status is None else int(step.from_status),
        "to_status": int(step.to_status),
        "sequence": after.sequence,
        "disputed": after.disputed,
        "service": service_of(row),
        "customer": party_of(row, "customer"),
        "provider": party_of(row, "provider"),
        "actor": {
            "id": actor.id,
            "display_name": row.get(f"{step.role}_name", actor.display_name),
            "role": step.role,
        },
        "price": price_of(row),
        "reason": step.reason,
        "note": step.note,
        "completed_at": None if after.completed_at is None else rfc3339(after.completed_at),
    }
    if step.from_status is None:
        event["requirements"] = row["requirements"]
    return event
