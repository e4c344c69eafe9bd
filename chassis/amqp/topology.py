"""Every exchange, queue and binding: named here, declared by `migrate`, used by all processes.

One place, because RabbitMQ refuses (406) a declaration that differs from what exists. Bindings are only
added: gateways receive live events too, so to the broker an event that no durable queue takes any more
is not unroutable, and its publisher would not notice.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from kombu import Connection

from kit.contracts import Event
from kit.settings import Settings

DELIVERY_LIMIT = 1000
# Each time a dead letter is inspected counts as a delivery; RabbitMQ 4 would drop it after 20.
DEAD_LETTER_ARGUMENTS = {"x-queue-type": "quorum", "x-delivery-limit": 1_000_000}


def rpc_exchange(settings: Settings) -> str:
    """Returns the exchange of calls and replies, under Nameko's own name."""
    return f"{settings.broker_prefix}nameko-rpc"


def rpc_queue(settings: Settings, service: str) -> str:
    """Returns the queue of a service's calls."""
    return f"{settings.broker_prefix}rpc-{service}"


def events_exchange(settings: Settings, owner: str) -> str:
    """Returns the exchange of a service's events."""
    return f"{settings.broker_prefix}{owner}.events"


def event_queue(settings: Settings, event: Event, consumer: str) -> str:
    """Returns the queue of one consumer's events of one type, named as Nameko does."""
    return f"{settings.broker_prefix}evt-{event.owner}.events-{event.type}--{consumer}.{event.handler}"


def event_route(events: Mapping[str, Event], type_: str, body: Mapping[str, Any]) -> tuple[str, bool]:
    """Returns the routing key of an event, and whether a durable queue must take it.

    `events` are the contracts by type. A type without a contract, recorded by other code, keeps its name.
    """
    event = events.get(type_)
    if event is None:
        return type_, False
    return event.routing_key(body), any(event.is_for(name, body) for name in event.consumers)


def dead_letter_exchange(settings: Settings) -> str:
    """Returns the exchange of messages that cannot be processed; its routing keys are services."""
    return f"{settings.broker_prefix}dead-letters"


def dead_letter_queue(settings: Settings, service: str) -> str:
    """Returns the queue of one service's dead letters."""
    return f"{settings.broker_prefix}dead-letters-{service}"


def gateways_exchange(settings: Settings) -> str:
    """Returns the exchange on which gateways share their counts (`gateway/security/shared_counts.py`)."""
    return f"{settings.broker_prefix}gateways"


def event_queue_arguments(settings: Settings, consumer: str) -> dict[str, Any]:
    """Returns the arguments of an event queue: quorum, with dead letters, and a delivery limit so high that
    only a message that crashes its consumers for days reaches it."""
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
    """A durable queue: its service and purpose, and how it is declared and bound."""

    name: str
    service: str
    purpose: Literal["calls", "events", "dead letters"]
    arguments: dict[str, Any] = field(hash=False, compare=False)
    exchange: str
    binding_keys: tuple[str, ...]


def exchanges(settings: Settings, services: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yields every exchange and its type."""
    yield rpc_exchange(settings), "topic"
    yield dead_letter_exchange(settings), "direct"
    yield gateways_exchange(settings), "fanout"
    for service in services:
        yield events_exchange(settings, service), "topic"


def queues(settings: Settings, services: Iterable[str], events: Iterable[Event]) -> Iterator[Queue]:
    """Yields every durable queue of these services, and of all consumers of these events."""
    dead, rpc = dead_letter_exchange(settings), rpc_exchange(settings)
    calls = {"x-queue-type": settings.rpc_queue_type}
    for name in services:
        yield Queue(
            dead_letter_queue(settings, name), name, "dead letters", DEAD_LETTER_ARGUMENTS, dead, (name,)
        )
        yield Queue(rpc_queue(settings, name), name, "calls", calls, rpc, (f"{name}.*",))
    for event in events:
        exchange = events_exchange(settings, event.owner)
        for name in event.consumers:
            arguments = event_queue_arguments(settings, name)
            keys = event.binding_keys(event.outcomes_of(name))
            yield Queue(event_queue(settings, event, name), name, "events", arguments, exchange, keys)


def queue_names(settings: Settings, services: Iterable[str], events: Iterable[Event]) -> Iterator[str]:
    """Returns the names of all durable queues."""
    return (queue.name for queue in queues(settings, services, events))


def declare(settings: Settings, services: Collection[str], events: Iterable[Event]) -> None:
    """Declares all exchanges, queues and bindings; existing ones stay as they are."""
    with Connection(settings.amqp_url, connect_timeout=5) as connection:
        channel = connection.channel()
        for name, kind in exchanges(settings, services):
            channel.exchange_declare(name, kind, durable=True, auto_delete=False)
        for queue in queues(settings, services, events):
            channel.queue_declare(queue.name, durable=True, auto_delete=False, arguments=queue.arguments)
            for key in queue.binding_keys:
                channel.queue_bind(queue.name, queue.exchange, key)
