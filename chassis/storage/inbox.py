"""The inbox: an event takes effect once per consumer, however often it is delivered."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, text

from chassis.runtime import failpoints

Effect = Callable[[Connection, dict[str, Any]], None]

# In one order, so that two processes that are given the same events again do not wait for each other.
CLAIM = text("""
    INSERT INTO inbox (consumer, event_id)
    SELECT :consumer, event_id FROM unnest(CAST(:event_ids AS uuid[])) AS event_id ORDER BY event_id
    ON CONFLICT DO NOTHING
    RETURNING event_id
""")


def process_once(
    connection: Connection,
    consumer: str,
    event: dict[str, Any],
    handle: Effect,
) -> str:
    """Runs `handle` in the caller's transaction unless this event was processed before.

    Returns "handled" or "duplicate". A concurrent delivery of the same event is waited for.
    """
    return process_each_once(connection, consumer, [event], handle)[0]


def process_each_once(
    connection: Connection,
    consumer: str,
    events: Sequence[dict[str, Any]],
    handle: Effect,
) -> list[str]:
    """Runs `handle` in the caller's transaction for each event that was not processed before, in their order.

    Returns for each event "handled" or "duplicate". Concurrent deliveries of the same events are waited for.
    """
    ids = [event["event_id"] for event in events]
    claimed = connection.execute(CLAIM, {"consumer": consumer, "event_ids": ids}).scalars()
    new = {str(event_id) for event_id in claimed}
    outcomes: list[str] = []
    for event_id, event in zip(ids, events, strict=True):
        if event_id not in new:
            outcomes.append("duplicate")
            continue
        if "handled" in outcomes:
            failpoints.reach("batch.midway")
        new.remove(event_id)
        handle(connection, event)
        outcomes.append("handled")
    if "handled" in outcomes:
        failpoints.reach("event.handled")
    return outcomes
