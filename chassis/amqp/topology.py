"""Every exchange, queue and binding: named here, declared by `migrate`, used by the processes.

One place, because RabbitMQ refuses (406) a declaration that differs from what exists.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from kombu import Connection

from kit.contracts import Event
from kit.settings import Settings

DELIVERY_LIMIT = 1000
# Each look at a dead letter counts as a delivery; RabbitMQ 4 would drop it after 20.
DEAD_LETTER_ARGUMENTS = {"x-queue-type": "quorum", "x-delivery-limit": 1_000_000}


def rpc_exchange(settings: Settings) -> str:
    """Where calls and replies go (Nameko's own name for it)."""
    return f"{settings.broker_prefix}nameko-rpc"


def rpc_queue(settings: Settings, service: str) -> str:
    """Where a service's calls wait."""
    return f"{settings.broker_prefix}rpc-{service}"


def events_exchange(settings: Settings, owner: str) -> str:
    """Where a service's events go."""
    return f"{settings.broker_prefix}{owner}.events"


def event_queue(settings: Settings, event: Event, consumer: str) -> str:
    """Where one consumer's events of one type wait (Nameko's own naming)."""
    return f"{settings.broker_prefix}evt-{event.owner}.events-{event.type}--{consumer}.{event.handler}"


def dead_letter_exchange(settings: Settings) -> str:
    """Where messages go that nobody can process, by service."""
    return f"{settings.broker_prefix}dead-letters"


def dead_letter_queue(settings: Settings, service: str) -> str:
    """Where one service's dead letters are kept."""
    return f"{settings.broker_prefix}dead-letters-{service}"


def gateways_exchange(settings: Settings) -> str:
    """Where gateways tell each other what they counted (`gateway/security/shared_counts.py`)."""
    return f"{settings.broker_prefix}gateways"


def event_queue_arguments(settings: Settings, consumer: str) -> dict[str, Any]:
    """Quorum, with dead letters; the delivery limit only catches what kills consumers for days."""
    return {
        "x-queue-type": "quorum",
        "x-delivery-limit": DELIVERY_LIMIT,
        "x-dead-letter-exchange": dead_letter_exchange(settings),
        "x-dead-letter-routing-key": consumer,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }


@dataclass(frozen=True)
class Queue:
    """A durable queue: whose it is, what waits in it, how it is declared and bound."""

    name: str
    service: str
    purpose: Literal["calls", "events", "dead letters"]
    arguments: dict[str, Any] = field(hash=False, compare=False)
    exchange: str
    routing_key: str


def exchanges(settings: Settings, services: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Every exchange, and its type."""
    yield rpc_exchange(settings), "topic"
    yield dead_letter_exchange(settings), "direct"
    yield gateways_exchange(settings), "fanout"
    for service in services:
        yield events_exchange(settings, service), "topic"


def queues(settings: Settings, services: Iterable[str], events: Iterable[Event]) -> Iterator[Queue]:
    """Every durable queue of these services, and of all consumers of these events."""
    dead, rpc = dead_letter_exchange(settings), rpc_exchange(settings)
    calls = {"x-queue-type": settings.rpc_queue_type}
    for name in services:
        yield Queue(
            dead_letter_queue(settings, name), name, "dead letters", DEAD_LETTER_ARGUMENTS, dead, name
        )
        yield Queue(rpc_queue(settings, name), name, "calls", calls, rpc, f"{name}.*")
    for event in events:
        exchange = events_exchange(settings, event.owner)
        for name in event.consumers:
            arguments = event_queue_arguments(settings, name)
            yield Queue(event_queue(settings, event, name), name, "events", arguments, exchange, event.type)


def queue_names(settings: Settings, services: Iterable[str], events: Iterable[Event]) -> Iterator[str]:
    """The names of every durable queue."""
    return (queue.name for queue in queues(settings, services, events))


def declare(settings: Settings, services: Collection[str], events: Iterable[Event]) -> None:
    """Declares everything; what exists already stays as it is."""
    with Connection(settings.amqp_url, connect_timeout=5) as connection:
        channel = connection.channel()
        for name, kind in exchanges(settings, services):
            channel.exchange_declare(name, kind, durable=True, auto_delete=False)
        for queue in queues(settings, services, events):
            channel.queue_declare(queue.name, durable=True, auto_delete=False, arguments=queue.arguments)
            channel.queue_bind(queue.name, queue.exchange, queue.routing_key)
