"""What must be at the broker, as `microtasks migrate` declares it."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from chassis import topology
from chassis.settings import Settings
from services import directory


class Purpose(Enum):
    """What waits in a queue."""

    CALLS = "calls"
    EVENTS = "events"
    DEAD_LETTERS = "dead letters"


@dataclass(frozen=True)
class Expected:
    """A queue, and what it was declared with."""

    name: str
    purpose: Purpose
    arguments: dict[str, Any] = field(hash=False, compare=False)

    @property
    def is_read(self) -> bool:
        """Whether a running service consumes it."""
        return self.purpose is not Purpose.DEAD_LETTERS


def expected_exchanges(settings: Settings, services: Collection[str]) -> Iterator[tuple[str, str]]:
    """Names and types."""
    yield topology.rpc_exchange(settings), "topic"
    yield topology.dead_letter_exchange(settings), "direct"
    for service in services:
        yield topology.events_exchange(settings, service), "topic"


def expected_queues(settings: Settings, service: str) -> Iterator[Expected]:
    """The queues of one service."""
    calls = {"x-queue-type": settings.rpc_queue_type}
    yield Expected(topology.rpc_queue(settings, service), Purpose.CALLS, calls)
    dead_letters = {"x-queue-type": "quorum"}
    yield Expected(topology.dead_letter_queue(settings, service), Purpose.DEAD_LETTERS, dead_letters)
    for event in directory.all_events():
        if service in event.consumers:
            name = topology.event_queue(settings, event, service)
            yield Expected(name, Purpose.EVENTS, topology.event_queue_arguments(settings, service))
