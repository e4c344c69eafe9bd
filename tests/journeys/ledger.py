"""What must be true of all databases together, once everything is quiet."""

import json
from collections.abc import Callable
from typing import Any

from tests.support import codebase

Rows = Callable[[str, str], list[tuple[Any, ...]]]  # of a service's database, by a query


def unconsumed(rows: Rows) -> set[tuple[str, str, str]]:
    """Events that some durable consumer has not taken: consumer, event, id."""
    taken = {
        (consumer, *row)
        for consumer in codebase.SERVICES
        for row in rows(consumer, "SELECT consumer, event_id::text FROM inbox")
    }
    expected = {
        (consumer, f"{owner}.{type_}", event_id)
        for owner in codebase.SERVICES
        for type_, event_id, body in rows(owner, "SELECT type, event_id::text, body::text FROM outbox")
        for consumer in codebase.consumers_of(type_, json.loads(body))
    }
    return expected - taken


def failed(rows: Rows) -> list[tuple[Any, ...]]:
    """Events that no handler has managed yet."""
    return [row for service in codebase.SERVICES for row in rows(service, "SELECT * FROM failed_events")]
