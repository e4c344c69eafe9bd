"""Whether consumers have processed everything that was published."""

import psycopg2

from kit.contracts import Event
from services.registry import NAMES, all_events
from tests.load.marketplace import LoadMarketplace
from tests.support.servers import eventually

DRAIN_SECONDS = 600.0


def wait_until_drained(market: LoadMarketplace) -> None:
    """Waits until every event is published and in the inbox of each of its consumers.

    Raises: AssertionError after ten minutes.
    """
    connections = {name: psycopg2.connect(market.database_url(name)) for name in NAMES}
    try:
        for connection in connections.values():
            connection.autocommit = True
        eventually(lambda: not _backlog(connections), DRAIN_SECONDS, "every event is processed")
    finally:
        for connection in connections.values():
            connection.close()


def _backlog(connections: dict[str, "psycopg2.extensions.connection"]) -> dict[str, int]:
    processed = {
        name: _counts(connection, "SELECT consumer, count(*) FROM inbox GROUP BY consumer")
        for name, connection in connections.items()
    }
    return {
        f"{consumer} {event.owner}.{event.type}": missing
        for event in all_events()
        for consumer in event.consumers
        if (
            missing := _recorded(connections[event.owner], event, consumer)
            - processed[consumer].get(f"{event.owner}.{event.type}", 0)
        )
        > 0
    }


def _recorded(owner: "psycopg2.extensions.connection", event: Event, consumer: str) -> int:
    query = "SELECT body ->> %s, count(*) FROM outbox WHERE type = %s GROUP BY 1"
    by_outcome = _counts(owner, query, event.outcome or "", event.type)
    return sum(
        count
        for outcome, count in by_outcome.items()
        if event.is_for(consumer, {} if event.outcome is None else {event.outcome: outcome})
    )


def _counts(connection: "psycopg2.extensions.connection", query: str, *values: str) -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(query, values or None)
        return dict(cursor.fetchall())
