"""Writing what happened: the order, its history and its event, in the caller's transaction."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import uuid6
from sqlalchemy import Connection

from chassis.storage import outbox
from kit.tokens import Caller
from kit.validation import rfc3339
from services.orders import statements as queries
from services.orders.contract import ORDER_REMINDER_DUE, ORDER_STATUS_CHANGED
from services.orders.lifecycle import CUSTOMER, STAFF, OrderState, Step
from services.orders.rendering import SYSTEM_NAME, Row, number_of, parties_of, price_of
from services.orders.submission import SUBMITTED, state_at_submission


@dataclass(frozen=True)
class Actor:
    """Who takes a step; the system has no id."""

    id: str | None
    display_name: str


SYSTEM = Actor(None, SYSTEM_NAME)


def actor_of(caller: Caller) -> Actor:
    """The signed-in person as an actor."""
    return Actor(caller.id, caller.display_name)


def record_submission(
    connection: Connection, customer: Caller, offer: dict[str, Any], requirements: str
) -> Row:
    """Inserts an order at status 1 with the first line of its history; answers its row. Two statements."""
    now = datetime.now(UTC)
    state = replace(state_at_submission(offer, customer.id), updated_at=now)
    order = {
        **vars(state),
        "id": str(uuid6.uuid7()),
        "service_id": offer["service_id"],
        "service_title": offer["title"],
        "price_minor": offer["price"]["amount"],
        "currency": offer["price"]["currency"],
        "requirements": requirements,
        "created_at": now,
    }
    names = {customer.id: customer.display_name, offer["provider"]["id"]: offer["provider"]["display_name"]}
    row = {**order, **_insert(connection, order, names)}
    _record(connection, row, state, Step("submit", CUSTOMER, None, SUBMITTED), actor_of(customer))
    return row


def record_step(connection: Connection, row: Row, after: OrderState, step: Step, actor: Actor) -> Row:
    """Saves the order after a step with its line of history; answers its row. Two statements."""
    row = save(connection, row, after)
    _record(connection, row, after, step, actor)
    return row


def record_reminder(connection: Connection, row: Row, after: OrderState, day: int) -> None:
    """Saves that the reminder of a day went out, with its event."""
    save(connection, row, after)
    outbox.record(
        connection,
        ORDER_REMINDER_DUE,
        order_id=row["id"],
        number=number_of(row),
        **parties_of(row),
        kind="confirm",
        day=day,
        confirm_by=rfc3339(row["confirm_by"]),
    )


def save(connection: Connection, row: Row, after: OrderState) -> Row:
    """Updates the columns that the rules changed; answers the new row."""
    changed = {name: value for name, value in vars(after).items() if value != row[name]}
    connection.execute(queries.UPDATE_ORDER, {"changed_id": row["id"], **changed})
    return {**row, **changed}


def _record(connection: Connection, row: Row, after: OrderState, step: Step, actor: Actor) -> None:
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
    # The names of the parties are known since the submission, and the system's is no account's.
    names_actor = step.role == STAFF
    name = {"history_actor_name": actor.display_name} if names_actor else {}
    connection.execute(queries.record_step(names_actor), {**parameters, **name})
    outbox.mark(connection)


def _event(row: Row, after: OrderState, step: Step, actor: Actor) -> dict[str, Any]:
    submitted = {"requirements": row["requirements"]} if step.from_status is None else {}
    return {
        "order_id": row["id"],
        "number": number_of(row),
        "order_version": after.version,
        "transition": step.transition,
        "from_status": None if step.from_status is None else int(step.from_status),
        "to_status": int(step.to_status),
        "sequence": after.sequence,
        "disputed": after.disputed,
        **parties_of(row),
        "actor": {
            "id": actor.id,
            "display_name": row.get(f"{step.role}_name", actor.display_name),
            "role": step.role,
        },
        "price": price_of(row),
        **submitted,
        "reason": step.reason,
        "note": step.note,
        "completed_at": None if after.completed_at is None else rfc3339(after.completed_at),
    }


def _insert(connection: Connection, order: Row, names: dict[str, str]) -> Row:
    (first, first_name), (second, second_name) = sorted(names.items())
    people = {"first_id": first, "first_name": first_name, "second_id": second, "second_name": second_name}
    inserted = connection.execute(queries.INSERT_ORDER, {**order, **people}).one()
    shown = {first: inserted.first_known or first_name, second: inserted.second_known or second_name}
    return {
        "number": inserted.number,
        "customer_name": shown[order["customer_id"]],
        "provider_name": shown[order["provider_id"]],
    }
