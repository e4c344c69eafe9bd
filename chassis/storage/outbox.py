"""The outbox: events are recorded in the transaction that they report, and published after its commit."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import structlog
import uuid6
from sqlalchemy import Connection, insert

from chassis.amqp.relay import Relay
from chassis.storage import recorded
from chassis.storage.recorded import RecordedEvent
from chassis.storage.tables import OUTBOX
from kit.contracts import Event
from kit.validation import rfc3339

__all__ = ["Relay", "mark", "record", "record_rows", "row"]

Row = dict[str, Any]

_INSERT = insert(OUTBOX).returning(OUTBOX.c.id, OUTBOX.c.event_id)


def record(connection: Connection, contract: Event, **fields: Any) -> str:
    """Records an event in the caller's transaction; returns its `event_id`.

    Raises: marshmallow.ValidationError when the fields do not match the contract.
    """
    event = row(contract, **fields)
    record_rows(connection, [event])
    return str(event["event_id"])


def record_rows(connection: Connection, rows: Sequence[Row]) -> None:
    """Records several events in the caller's transaction with one statement."""
    events = {event["event_id"]: event for event in rows}
    for inserted in connection.execute(_INSERT, list(rows)):
        mark(connection, events[inserted.event_id], inserted.id)


def row(contract: Event, **fields: Any) -> Row:
    """Returns an event as a row of the outbox, for a statement that writes more than the event.

    Raises: marshmallow.ValidationError when the fields do not match the contract.
    """
    event_id = str(uuid6.uuid7())
    body = {
        "event_id": event_id,
        "version": contract.version,
        "occurred_at": rfc3339(datetime.now(UTC)),
        **fields,
    }
    contract.check(body)
    context = structlog.contextvars.get_contextvars()
    carried = {name: context[name] for name in ("request_id", "traceparent") if context.get(name)}
    return {"event_id": event_id, "type": contract.type, "body": body, "context": carried}


def mark(connection: Connection, event: Row, id_: int) -> None:
    """Says that the caller's transaction has inserted this row, under this id.

    The commit hands it to the relay, which publishes it from memory. One that is inserted and not
    marked is published too, some seconds later, from the table.
    """
    recorded.add(connection, RecordedEvent(id_, **event))
