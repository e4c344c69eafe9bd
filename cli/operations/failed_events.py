"""Events that a handler could not take: looking at them, having them tried again, letting them go."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, func, select, true, update
from sqlalchemy.dialects.postgresql import insert as insert_or_leave

from chassis.storage.tables import FAILED_EVENTS, INBOX
from cli.operations.audit_log import AuditEntry, record
from cli.operations.databases import Databases
from kit.validation import rfc3339

OWN = FAILED_EVENTS.c


@dataclass(frozen=True)
class FailedEvent:
    """One event that failed at one service; `consumer` is its handler's name in the inbox."""

    service: str
    consumer: str
    type: str
    event_id: str
    attempts: int
    parked: bool
    error: str
    failed_at: str
    next_try_at: str | None


@dataclass(frozen=True)
class FailedEventInFull(FailedEvent):
    """The same, with the event itself."""

    body: Any


@dataclass(frozen=True)
class Choice:
    """Which failed events are meant: of one type, with these ids, or without either all."""

    event_ids: Sequence[str] = ()
    type: str | None = None

    @property
    def condition(self) -> ColumnElement[bool]:
        """The same in SQL."""
        wanted: ColumnElement[bool] = true()
        if self.event_ids:
            wanted = wanted & OWN.event_id.in_(self.event_ids)
        return wanted if self.type is None else wanted & (OWN.type == self.type)


def find(databases: Databases, services: Iterable[str], choice: Choice) -> list[FailedEventInFull]:
    """The failed events of these services, the oldest of each first."""
    query = select(FAILED_EVENTS).where(choice.condition).order_by(OWN.failed_at, OWN.id)
    return [
        _in_full(service, row)
        for service in services
        for row in databases.read(service, lambda connection: connection.execute(query).all())
    ]


def retry(
    databases: Databases, services: Iterable[str], choice: Choice, reason: str | None, dry_run: bool
) -> list[AuditEntry]:
    """Makes failed events due now, their attempts counted anew, parked ones too.

    The running service takes them by itself within EVENT_RETRY_SECONDS.
    """
    if dry_run:
        return [_act(event, "retry", "due now") for event in find(databases, services, choice)]

    def effect(connection: Connection) -> list[Row[Any]]:
        due = {"parked_at": None, "attempts": 0, "next_try_at": func.now()}
        chosen = select(FAILED_EVENTS).where(choice.condition).order_by(OWN.id).with_for_update()
        rows = connection.execute(chosen).all()
        connection.execute(update(FAILED_EVENTS).where(OWN.id.in_([row.id for row in rows])).values(due))
        for row in rows:
            record(connection, "events retry", row.event_id, reason, **_facts(row))
        return list(rows)

    done = ((service, row) for service in services for row in databases.write(service, effect))
    return [_act(_in_full(service, row), "retry", "due now") for service, row in done]


def drop(
    databases: Databases, services: Iterable[str], choice: Choice, reason: str, dry_run: bool
) -> list[AuditEntry]:
    """Lets failed events go: they count as taken from now on, and their bodies stay in the record."""
    if dry_run:
        return [_act(event, "drop", "dropped") for event in find(databases, services, choice)]

    def effect(connection: Connection) -> list[Row[Any]]:
        rows = connection.execute(
            delete(FAILED_EVENTS).where(choice.condition).returning(FAILED_EVENTS)
        ).all()
        for row in rows:
            taken = insert_or_leave(INBOX).values(consumer=row.consumer, event_id=row.event_id)
            connection.execute(taken.on_conflict_do_nothing())
            record(connection, "events drop", row.event_id, reason, **_facts(row), body=row.body)
        return list(rows)

    done = ((service, row) for service in services for row in databases.write(service, effect))
    return [_act(_in_full(service, row), "drop", "dropped") for service, row in done]


def _facts(row: Row[Any]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ("consumer", "type", "attempts", "error", "context")} | {
        "failed_at": rfc3339(row.failed_at),
        "parked": row.parked_at is not None,
    }


def _act(event: FailedEvent, act: str, outcome: str) -> AuditEntry:
    return AuditEntry(event.service, f"events {act}", event.event_id, f"{event.consumer}: {outcome}")


def _in_full(service: str, row: Row[Any]) -> FailedEventInFull:
    return FailedEventInFull(
        service=service,
        consumer=row.consumer,
        type=row.type,
        event_id=row.event_id,
        attempts=row.attempts,
        parked=row.parked_at is not None,
        error=row.error,
        failed_at=moment(row.failed_at),
        next_try_at=moment(row.next_try_at),
        body=row.body,
    )


def moment(value: datetime | None) -> Any:
    """A time as the API writes it."""
    return None if value is None else rfc3339(value)
