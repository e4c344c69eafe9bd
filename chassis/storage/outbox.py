"""The outbox: events are recorded in the transaction that they report, and published after its commit."""

from datetime import UTC, datetime
from typing import Any

import structlog
import uuid6
from sqlalchemy import Connection, insert

from chassis.amqp.relay import Relay
from chassis.storage.database import RECORDED
from chassis.storage.tables import OUTBOX
from kit.contracts import Event
from kit.validation import rfc3339

__all__ = ["Relay", "mark", "record", "row"]


def record(connection: Connection, contract: Event, **fields: Any) -> str:
    """Records an event in the caller's transaction; returns its `event_id`."""
    values = row(contract, **fields)
    connection.execute(insert(OUTBOX).values(**values))
    mark(connection)
    return str(values["event_id"])


def row(contract: Event, **fields: Any) -> dict[str, Any]:
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


def mark(connection: Connection) -> None:
    """Marks the transaction as one that records an event, so that its commit wakes the relay."""
    connection.info[RECORDED] = True
