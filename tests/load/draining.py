"""Whether consumers have processed everything that was published."""

import psycopg2

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
    recorded = {
        name: _counts(connection, "SELECT type, count(*) FROM outbox GROUP BY type")
        for name, connection in connections.items()
    }
    processed = {
        name: _counts(connection, "SELECT consumer, count(*) FROM inbox GROUP BY consumer")
        for name, connection in connections.items()
    }
    return {
        f"{consumer} {event.owner}.{event.type}": missing
        for event in all_events()
        for consumer in event.consumers
        if (
            missing := recorded[event.owner].get(event.type, 0)
            - processed[consumer].get(f"{event.owner}.{event.type}", 0)
        )
        > 0
    }


def _counts(connection: "psycopg2.extensions.connection", query: str) -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return dict(cursor.fetchall())
