"""Whether consumers have processed everything that was published."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import psycopg2

from kit.contracts import Event
from services.registry import NAMES, all_events
from tests.support.servers import eventually

DRAIN_SECONDS = 600.0
Connections = dict[str, Any]
Position = tuple[int, Any]
START: Position = (0, "-infinity")
_RECORDED = "SELECT body ->> %s, count(*) FROM outbox WHERE type = %s AND id > %s GROUP BY 1"
_PROCESSED = "SELECT consumer, count(*) FROM inbox WHERE processed_at > %s GROUP BY 1"
_POSITION = "SELECT coalesce(max(id), 0), clock_timestamp() FROM outbox"


class Draining:
    """Looks only at what was recorded since everything was processed the last time, so it costs little."""

    def __init__(self, database_url: Callable[[str], str]) -> None:
        self._database_url = database_url
        self._drained = dict.fromkeys(NAMES, START)

    def wait(self) -> None:
        """Waits until every event is published and in the inbox of each of its consumers.

        Raises: AssertionError after ten minutes.
        """
        with self._connected() as connections:
            eventually(lambda: not self._backlog(connections), DRAIN_SECONDS, "every event is processed")
            self._drained = {name: _rows(connections[name], _POSITION)[0] for name in NAMES}

    def recorded(self, event: Event) -> dict[str | None, int]:
        """How many of an event were recorded since the last wait, by outcome."""
        with self._connected() as connections:
            return self._recorded(connections, event)

    @contextmanager
    def _connected(self) -> Iterator[Connections]:
        with ExitStack() as stack:
            yield {name: stack.enter_context(closing(_connect(self._database_url(name)))) for name in NAMES}

    def _backlog(self, connections: Connections) -> dict[str, int]:
        processed = {
            name: dict(_rows(connections[name], _PROCESSED, self._drained[name][1])) for name in NAMES
        }
        return {
            f"{consumer} {event.owner}.{event.type}": missing
            for event in all_events()
            for consumer in event.consumers
            if (
                missing := expected(event, consumer, self._recorded(connections, event))
                - processed[consumer].get(f"{event.owner}.{event.type}", 0)
            )
            > 0
        }

    def _recorded(self, connections: Connections, event: Event) -> dict[str | None, int]:
        position = self._drained[event.owner][0]
        return dict(_rows(connections[event.owner], _RECORDED, event.outcome or "", event.type, position))


def expected(event: Event, consumer: str, recorded: dict[str | None, int]) -> int:
    """How many of the recorded ones are delivered to a consumer."""
    return sum(
        count
        for outcome, count in recorded.items()
        if event.is_for(consumer, {} if event.outcome is None else {event.outcome: outcome})
    )


def _connect(url: str) -> Any:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    return connection


def _rows(connection: Any, query: str, *values: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(query, values or None)
        return list(cursor.fetchall())
