"""Recording a step: the order's row, a line of its history and its event, in the caller's transaction."""

from dataclasses import dataclass
from functools import cache

from sqlalchemy import Connection, Update, bindparam, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.dml import ReturningInsert

from chassis.storage import outbox
from kit.security.tokens import Caller
from kit.validation import rfc3339
from services.orders.contract import ORDER_STATUS_CHANGED
from services.orders.lifecycle import STAFF, OrderState, Step
from services.orders.models import ORDER_HISTORY, ORDERS, OUTBOX
from services.orders.projections import insert_unknown_names
from services.orders.rendering import SYSTEM_NAME, OrderRow, number_of, party_of, price_of, service_of
from services.orders.types import OrderStatusChangedFields

UPDATE_ORDER: Update = update(ORDERS).where(ORDERS.c.id == bindparam("changed_id"))
"""Sets the columns it is given on the order `changed_id`."""


@dataclass(frozen=True)
class Actor:
    """Who takes a step; the system has no id."""

    id: str | None
    display_name: str


SYSTEM_ACTOR = Actor(None, SYSTEM_NAME)


def actor_of(caller: Caller) -> Actor:
    """Returns the signed-in person as an actor."""
    return Actor(caller.id, caller.display_name)


def record_step(
    connection: Connection, row: OrderRow, after: OrderState, step: Step, actor: Actor
) -> OrderRow:
    """Saves the order after a step with its history and event; returns the new row. Two statements."""
    row = update_order(connection, row, after)
    record_history(connection, row, after, step, actor)
    return row


def update_order(connection: Connection, row: OrderRow, after: OrderState) -> OrderRow:
    """Updates the columns that the rules changed; returns the new row."""
    changed = {name: value for name, value in vars(after).items() if value != row[name]}
    connection.execute(UPDATE_ORDER, {"changed_id": row["id"], **changed})
    return {**row, **changed}


def record_history(
    connection: Connection, row: OrderRow, after: OrderState, step: Step, actor: Actor
) -> None:
    """Inserts the step's line of history and its event, with one statement."""
    event = outbox.row(ORDER_STATUS_CHANGED, **_event(row, after, step, actor))
    parameters = {
        "history_order_id": row["id"],
        "history_sequence": after.sequence,
        "history_transition": step.transition,
        "history_from_status": step.from_status,
        "history_to_status": step.to_status,
        "history_actor_id": actor.id,
        "history_actor_role": step.role,
        "history_reason": step.reason,
        "history_note": step.note,
        "history_created_at": after.updated_at,
        "event_event_id": event["event_id"],
        "event_type": event["type"],
        "event_body": event["body"],
        "event_context": event["context"],
    }
    # The parties' names are stored at submission, and the system's belongs to no account.
    names_actor = step.role == STAFF
    name = {"history_actor_name": actor.display_name} if names_actor else {}
    event_row_id = connection.execute(_insert_history(names_actor), {**parameters, **name}).scalar_one()
    outbox.mark(connection, event, event_row_id)


@cache
def _insert_history(names_actor: bool) -> ReturningInsert[int]:
    history = {
        column.name: bindparam(f"history_{column.name}", type_=column.type) for column in ORDER_HISTORY.c
    }
    columns = ("event_id", "type", "body", "context")
    event = {name: bindparam(f"event_{name}", type_=OUTBOX.c[name].type) for name in columns}
    statement = insert(OUTBOX).values(event).add_cte(insert(ORDER_HISTORY).values(history).cte("step"))
    if names_actor:
        statement = statement.add_cte(insert_unknown_names("history_actor").cte("named"))
    return statement.returning(OUTBOX.c.id)


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
