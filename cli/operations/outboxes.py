"""The outboxes against the inboxes: what is unsent, what was sent and not consumed, and replays."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select, update

from chassis.storage.tables import FAILED_EVENTS, OUTBOX
from cli.operations.audit_log import AuditEntry, record
from cli.operations.databases import Databases
from kit.contracts import Event
from kit.validation import rfc3339
from services.registry import all_events
from services.undelivered_events import find_undelivered, is_within_retention

OWN = OUTBOX.c
AT_ONCE = 1000


@dataclass(frozen=True)
class Outbox:
    """What one service has to publish; ages are seconds, null when there is nothing."""

    service: str
    unsent: int
    oldest_unsent_seconds: float | None
    sent_in_the_last_hour: int


@dataclass(frozen=True)
class Delivery:
    """One type of event on its way to one consumer: sent and not consumed, failed there, parked there."""

    owner: str
    type: str
    consumer: str
    not_taken: int
    oldest_not_taken_seconds: float | None
    failed: int
    parked: int


@dataclass(frozen=True)
class ReplayFilter:
    """Which events a replay publishes again: sent since then, of one type, not consumed by one consumer."""

    since: datetime
    type: str | None = None
    consumer: str | None = None


def outbox_of(databases: Databases, service: str) -> Outbox:
    """Counts what one service has not sent yet, and what it sent in the last hour."""
    unsent = OWN.sent_at.is_(None)
    waiting = func.extract("epoch", func.now() - func.min(OWN.created_at).filter(unsent))
    lately = OWN.sent_at > func.now() - func.make_interval(0, 0, 0, 0, 1)
    query = select(func.count().filter(unsent), waiting, func.count().filter(lately)).where(unsent | lately)
    count, oldest, sent = databases.read(service, lambda connection: connection.execute(query).one())
    return Outbox(service, count, float(oldest) if count else None, sent)


def deliveries_of(databases: Databases, owner: str) -> Iterator[Delivery]:
    """Every durable delivery of one service's events."""
    for event in _durable(owner):
        for consumer in event.consumers:
            yield delivery(databases, event, consumer)


def delivery(databases: Databases, event: Event, consumer: str) -> Delivery:
    """Counts the undelivered, failed and parked events of one type at one consumer."""
    sent = [row.sent_at for row in _undelivered(databases, event, consumer)]
    is_this = FAILED_EVENTS.c.consumer == f"{event.owner}.{event.type}"
    is_parked = FAILED_EVENTS.c.parked_at.is_not(None)
    query = select(func.count().filter(~is_parked), func.count().filter(is_parked)).where(is_this)
    failed, parked = databases.read(consumer, lambda connection: connection.execute(query).one())
    oldest = (datetime.now(UTC) - min(sent)).total_seconds() if sent else None
    return Delivery(event.owner, event.type, consumer, len(sent), oldest, failed, parked)


def _undelivered(databases: Databases, event: Event, consumer: str, *where: ColumnElement[bool]) -> list[Any]:
    with databases.snapshot(event.owner) as owner, databases.snapshot(consumer) as reader:
        return list(find_undelivered(owner, reader, event, consumer, databases.settings, *where))


def replay(
    databases: Databases, services: Iterable[str], wanted: ReplayFilter, reason: str | None, dry_run: bool
) -> list[AuditEntry]:
    """Marks sent events unsent, so that the relay of their service publishes them once more.

    Consumers that processed them find them in their inbox and ignore them. Events older than the retention
    of inboxes are left out.
    """
    entries = []
    for service in services:
        found = _rows_to_replay(databases, service, wanted)
        if found and not dry_run:
            databases.write(service, partial(_mark, found=found, wanted=wanted, reason=reason))
        for type_, count in sorted(Counter(found.values()).items()):
            entries.append(AuditEntry(service, "outbox replay", type_, f"{count} sent again"))
    return entries


def _rows_to_replay(databases: Databases, service: str, wanted: ReplayFilter) -> dict[int, str]:
    """Rows of one outbox, with their types."""
    since = OWN.sent_at >= wanted.since
    if wanted.consumer is not None:
        events = [
            e for e in _durable(service) if wanted.consumer in e.consumers and wanted.type in (None, e.type)
        ]
        return {row.id: e.type for e in events for row in _undelivered(databases, e, wanted.consumer, since)}
    types = [wanted.type] if wanted.type else [event.type for event in _durable(service)]
    query = select(OWN.id, OWN.type).where(
        since, OWN.type.in_(types), is_within_retention(databases.settings)
    )
    rows = databases.read(service, lambda connection: connection.execute(query).all())
    return {row.id: row.type for row in rows}


def _mark(connection: Connection, found: dict[int, str], wanted: ReplayFilter, reason: str | None) -> None:
    rows = list(found)
    for begin in range(0, len(rows), AT_ONCE):
        some = rows[begin : begin + AT_ONCE]
        connection.execute(update(OUTBOX).where(OWN.id.in_(some)).values(sent_at=None))
    record(
        connection,
        "outbox replay",
        wanted.type or "all types",
        reason,
        since=rfc3339(wanted.since),
        consumer=wanted.consumer,
        events=Counter(found.values()),
    )


def _durable(owner: str) -> list[Event]:
    return [event for event in all_events() if event.owner == owner and event.consumers]
