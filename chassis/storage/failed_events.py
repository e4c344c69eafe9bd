"""Failed events: stored with their error, tried again with exponential backoff, parked after the last try."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from chassis.storage.inbox import Effect, process_once
from chassis.storage.tables import FAILED_EVENTS
from kit.settings import Settings

log = structlog.get_logger(__name__)

BATCH = 20
LONGEST_BACKOFF_SECONDS = 3600.0


@dataclass(frozen=True)
class Failure:
    """One failed run of one handler."""

    consumer: str
    type: str
    event: dict[str, Any]
    error: BaseException


def store_failure(connection: Connection, failure: Failure, settings: Settings) -> None:
    """Stores an event that failed for the first time; a known one stays as it is."""
    connection.execute(
        insert(FAILED_EVENTS)
        .values(
            consumer=failure.consumer,
            event_id=failure.event["event_id"],
            type=failure.type,
            body=failure.event,
            attempts=1,
            error=_text(failure.error),
            next_try_at=next_try_at(1, settings),
        )
        .on_conflict_do_nothing()
    )


def due_failures(connection: Connection) -> list[tuple[int, str]]:
    """Returns ids and consumers of the failed events whose next try is due."""
    rows = connection.execute(
        select(FAILED_EVENTS.c.id, FAILED_EVENTS.c.consumer)
        .where(FAILED_EVENTS.c.parked_at.is_(None), FAILED_EVENTS.c.next_try_at <= func.now())
        .order_by(FAILED_EVENTS.c.next_try_at)
        .limit(BATCH)
    )
    return [(row.id, row.consumer) for row in rows]


def retry_failure(
    connection: Connection,
    failure_id: int,
    load: Callable[[dict[str, Any]], dict[str, Any]],
    handle: Effect,
    settings: Settings,
) -> str:
    """Tries a failed event again under a row lock; returns the outcome."""
    row = connection.execute(
        select(FAILED_EVENTS)
        .where(FAILED_EVENTS.c.id == failure_id, FAILED_EVENTS.c.parked_at.is_(None))
        .with_for_update(skip_locked=True)
    ).first()
    if row is None:
        return "skipped"
    try:
        with connection.begin_nested():
            outcome = process_once(connection, row.consumer, load(row.body), handle)
    except Exception as error:
        return _failed_again(connection, row, error, settings)
    connection.execute(delete(FAILED_EVENTS).where(FAILED_EVENTS.c.id == failure_id))
    return outcome


def next_try_at(attempts: int, settings: Settings) -> datetime:
    """Returns when to try after so many failures: exponential, with jitter."""
    pause = min(settings.event_retry_seconds * 2 ** (attempts - 1), LONGEST_BACKOFF_SECONDS)
    return datetime.now(UTC) + timedelta(seconds=pause * random.uniform(0.5, 1.0))  # noqa: S311


def _failed_again(connection: Connection, row: Any, error: Exception, settings: Settings) -> str:
    attempts = row.attempts + 1
    parked = attempts >= settings.event_attempts
    log.error(
        "event_failed_again", consumer=row.consumer, event_id=row.event_id, attempts=attempts, exc_info=error
    )
    connection.execute(
        update(FAILED_EVENTS)
        .where(FAILED_EVENTS.c.id == row.id)
        .values(
            attempts=attempts,
            error=_text(error),
            next_try_at=next_try_at(attempts, settings),
            parked_at=func.now() if parked else None,
        )
    )
    return "parked" if parked else "failed"


def _text(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".replace("\x00", "")[:4000]
