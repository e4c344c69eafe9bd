"""The events that a transaction has recorded so far; its commit hands them to the relay."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, event

EVENTS, SAVEPOINTS = "events_recorded", "events_recorded_before_savepoints"


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """One row of the outbox."""

    id: int
    event_id: str
    type: str
    body: dict[str, Any]
    context: dict[str, str]


def begin(connection: Connection) -> list[RecordedEvent]:
    """Starts with no events; the list returned grows as the transaction records more."""
    events: list[RecordedEvent] = []
    connection.info[EVENTS], connection.info[SAVEPOINTS] = events, []
    return events


def add(connection: Connection, recorded: RecordedEvent) -> None:
    """Adds an event that the connection's transaction has inserted."""
    _events(connection).append(recorded)


def follow_savepoints(engine: Engine) -> None:
    """Makes the engine's transactions drop the events of each savepoint that is rolled back."""
    event.listen(engine, "savepoint", _on_savepoint)
    event.listen(engine, "release_savepoint", _on_release)
    event.listen(engine, "rollback_savepoint", _on_rollback)


def _events(connection: Connection) -> list[RecordedEvent]:
    events: list[RecordedEvent] = connection.info.setdefault(EVENTS, [])
    return events


def _savepoints(connection: Connection) -> list[int]:
    # How many events there were before each open savepoint, the innermost last.
    savepoints: list[int] = connection.info.setdefault(SAVEPOINTS, [])
    return savepoints


def _on_savepoint(connection: Connection, _name: Any) -> None:
    _savepoints(connection).append(len(_events(connection)))


def _on_release(connection: Connection, _name: str, _context: Any) -> None:
    _savepoints(connection).pop()


def _on_rollback(connection: Connection, _name: str, _context: Any) -> None:
    del _events(connection)[_savepoints(connection).pop() :]
