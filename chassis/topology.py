"""Every exchange, queue and binding: named here, declared by `migrate`, used by the processes.

One place, because RabbitMQ refuses (406) a declaration that differs from what exists.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from kombu import Connection

from chassis.contracts import Event
from chassis.settings import Settings

DELIVERY_LIMIT = 1000


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


def queue_names(settings: Settings, services: Iterable[str], events: Iterable[Event]) -> Iterator[str]:
    """Every durable queue of the system."""
    for service in services:
        yield rpc_queue(settings, service)
        yield dead_letter_queue(settings, service)
    for event in events:
        yield from (event_queue(settings, event, consumer) for consumer in event.consumers)


def declare(settings: Settings, services: Iterable[str], events: Iterable[Event]) -> None:
    """Declares everything; what exists already stays as it is."""
    with Connection(settings.amqp_url, connect_timeout=5) as connection:
        channel = connection.channel()
        _exchange(channel, rpc_exchange(settings), "topic")
        _exchange(channel, dead_letter_exchange(settings), "direct")
        for service in services:
            _declare_service(channel, settings, service)
        for event in events:
            for consumer in event.consumers:
                name = event_queue(settings, event, consumer)
                _queue(channel, name, event_queue_arguments(settings, consumer))
                channel.queue_bind(name, events_exchange(settings, event.owner), event.type)


def _declare_service(channel: Any, settings: Settings, service: str) -> None:
    dead = dead_letter_queue(settings, service)
    _queue(channel, dead, {"x-queue-type": "quorum"})
    channel.queue_bind(dead, dead_letter_exchange(settings), service)
    calls = rpc_queue(settings, service)
    _queue(channel, calls, {"x-queue-type": settings.rpc_queue_type})
    channel.queue_bind(calls, rpc_exchange(settings), f"{service}.*")
    _exchange(channel, events_exchange(settings, service), "topic")


def _exchange(channel: Any, name: str, kind: str) -> None:
    channel.exchange_declare(name, kind, durable=True, auto_delete=False)


def _queue(channel: Any, name: str, arguments: dict[str, Any]) -> None:
    channel.queue_declare(name, durable=True, auto_delete=False, arguments=arguments)
