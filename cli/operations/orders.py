"""One order as an operator sees it: its state, the delivery of its events, and a step taken by hand."""

import re
import uuid
from dataclasses import dataclass
from typing import Any

from marshmallow import ValidationError
from sqlalchemy import Connection, Row, select

from chassis.storage.tables import FAILED_EVENTS, INBOX, OUTBOX
from cli.operations.audit_log import AuditEntry, operator, record
from cli.operations.databases import Databases
from kit.errors import Invalid, NotFound, field_errors
from kit.security.tokens import Caller
from kit.settings import load
from kit.validation import rfc3339
from services.orders import queries
from services.orders.commands.record_step import actor_of
from services.orders.commands.take_step import take_step
from services.orders.contract import ORDER_STATUS_CHANGED, TRANSITION_ORDER
from services.orders.lifecycle import STAFF, Step, TransitionRequest, decide
from services.orders.models import ORDERS
from services.orders.rendering import state_of
from services.orders.settings import OrderPeriods

SERVICE = "orders"
CONSUMER = f"{ORDER_STATUS_CHANGED.owner}.{ORDER_STATUS_CHANGED.type}"
MOST_STEPS = 10_000
_NUMBER = re.compile(r"(?:MT-)?(\d{1,18})", re.IGNORECASE)


@dataclass(frozen=True)
class Consumption:
    """The state of one event at one consumer: taken, failed, parked, or not taken (yet), and since when."""

    consumer: str
    state: str
    at: str | None


@dataclass(frozen=True)
class TimelineEntry:
    """One step of an order; the event is null when it is no longer in the outbox."""

    sequence: int
    transition: str
    from_status: int | None
    to_status: int
    actor: Any
    reason: str | None
    note: str | None
    created_at: str
    event_id: str | None
    sent_at: str | None
    taken: list[Consumption]


def as_staff() -> Caller:
    """The operator as the rules see them. The id is the same for the same name, and no account's."""
    name = operator()
    return Caller(
        str(uuid.uuid5(uuid.NAMESPACE_URL, f"microtasks:operator:{name}")), name, frozenset({STAFF}), ""
    )


def show_order(databases: Databases, order: str) -> dict[str, Any]:
    """The order as staff see it, and its history. Raises: NotFound."""

    def query(connection: Connection) -> dict[str, Any]:
        order_id = _id_of(connection, order)
        found = queries.get_order(connection, order_id, as_staff())
        return {**found, "history": _history(connection, order_id)}

    return databases.read(SERVICE, query)


def timeline_of(databases: Databases, order: str) -> list[TimelineEntry]:
    """Returns each step with its event and the event's state at each consumer. Raises: NotFound."""

    def query(connection: Connection) -> tuple[list[Any], dict[int, Row[Any]]]:
        order_id = _id_of(connection, order)
        of_order = OUTBOX.c.body["order_id"].astext == order_id
        events = select(OUTBOX).where(OUTBOX.c.type == ORDER_STATUS_CHANGED.type, of_order)
        rows = connection.execute(events).all()
        return _history(connection, order_id), {row.body["sequence"]: row for row in rows}

    history, events = databases.read(SERVICE, query)
    event_ids = [event.event_id for event in events.values()]
    consumptions = {
        name: _consumptions(databases, name, event_ids) for name in ORDER_STATUS_CHANGED.consumers
    }
    return [_entry(row, events.get(row["sequence"]), consumptions) for row in history]


def transition_order(databases: Databases, order: str, fields: dict[str, Any], dry_run: bool) -> AuditEntry:
    """Takes an order one step on as staff, by the same rules and with the same records as the service.

    Raises: NotFound, Forbidden, Conflict, Invalid.
    """
    caller, periods = as_staff(), load(OrderPeriods)

    def effect(connection: Connection) -> tuple[str, Step]:
        row = queries.lock_order(connection, _id_of(connection, order), caller)
        request = TransitionRequest(**_accepted(row["id"], fields))
        if dry_run:
            return row["id"], decide(state_of(row), (STAFF,), request)
        after, step = take_step(connection, row, (STAFF,), request, actor_of(caller), periods)
        changes = {
            "from_status": step.from_status,
            "to_status": step.to_status,
            "sequence": after["sequence"],
        }
        record(connection, f"orders transition {step.transition}", row["id"], step.reason, **changes)
        return row["id"], step

    order_id, step = databases.write(SERVICE, effect)
    outcome = f"{step.transition}: {step.from_status} → {step.to_status}"
    return AuditEntry(SERVICE, "orders transition", order_id, outcome)


def _accepted(order_id: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Returns the fields, if the service would accept them in a call. Raises: Invalid."""
    try:
        accepted = TRANSITION_ORDER.accept({"order_id": order_id, **fields})
    except ValidationError as error:
        errors = field_errors(error.messages_dict)
        raise Invalid("; ".join(f"{e['field']}: {e['detail']}" for e in errors), errors=errors) from error
    return {name: value for name, value in accepted.items() if name != "order_id"}


def _id_of(connection: Connection, order: str) -> str:
    """An order's id by its id or number. Raises: NotFound."""
    number = _NUMBER.fullmatch(order)
    if number is None:
        return order.lower()
    found = connection.scalar(select(ORDERS.c.id).where(ORDERS.c.number == int(number[1])))
    if found is None:
        raise NotFound("There is no such order.")
    return str(found)


def _history(connection: Connection, order_id: str) -> list[Any]:
    return list(queries.list_transitions(connection, order_id, as_staff(), MOST_STEPS, None)["data"])


def _consumptions(databases: Databases, consumer: str, event_ids: list[str]) -> dict[str, Consumption]:
    """Returns the state of these events at one consumer, by event id."""

    def query(connection: Connection) -> dict[str, Consumption]:
        of_events = FAILED_EVENTS.c.consumer == CONSUMER, FAILED_EVENTS.c.event_id.in_(event_ids)
        failed = {
            row.event_id: Consumption(
                consumer, "failed" if row.parked_at is None else "parked", rfc3339(row.failed_at)
            )
            for row in connection.execute(select(FAILED_EVENTS).where(*of_events))
        }
        of_events = INBOX.c.consumer == CONSUMER, INBOX.c.event_id.in_(event_ids)
        taken = connection.execute(select(INBOX).where(*of_events)).all()
        return failed | {
            row.event_id: Consumption(consumer, "taken", rfc3339(row.processed_at)) for row in taken
        }

    return databases.read(consumer, query)


def _entry(
    step: Any, event: Row[Any] | None, consumptions: dict[str, dict[str, Consumption]]
) -> TimelineEntry:
    if event is None:
        return TimelineEntry(**step, event_id=None, sent_at=None, taken=[])
    sent_at = None if event.sent_at is None else rfc3339(event.sent_at)
    waits = "not taken" if sent_at else "not sent"
    taken = [
        known.get(event.event_id, Consumption(name, waits, None))
        for name, known in consumptions.items()
        if event.event_id in known or ORDER_STATUS_CHANGED.is_for(name, event.body)
    ]
    return TimelineEntry(**step, event_id=event.event_id, sent_at=sent_at, taken=taken)
