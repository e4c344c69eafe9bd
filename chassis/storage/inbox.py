"""The inbox: an event takes effect once per consumer, however often it is delivered."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Executable, literal_column
from sqlalchemy.dialects.postgresql import insert

from chassis.runtime import failpoints
from chassis.storage.tables import INBOX

Effect = Callable[[Connection, dict[str, Any]], None]


def process_once(
    connection: Connection,
    consumer: str,
    event: dict[str, Any],
    handle: Effect,
) -> str:
    """Runs `handle` in the caller's transaction unless this event was processed before.

    Returns "handled" or "duplicate". A concurrent delivery of the same event is waited for.
    """
    claim: Executable = (
        insert(INBOX)
        .values(consumer=consumer, event_id=event["event_id"])
        .on_conflict_do_nothing()
        .returning(literal_column("1"))
    )
    if connection.execute(claim).first() is None:
        return "duplicate"
    handle(connection, event)
    failpoints.reach("event.handled")
    return "handled"
