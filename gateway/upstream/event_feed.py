"""Hearing live events: what the gateway needs of an event feed, and the one that speaks AMQP."""

import json
import uuid
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import structlog
from aio_pika.abc import AbstractConnection
from aiormq.abc import DeliveredMessage

from kit.contracts import Event
from kit.settings import Settings

log = structlog.get_logger(__name__)

OnEvent = Callable[[str, dict[str, Any]], None]
OnConnected = Callable[[], None]


class EventFeed(Protocol):
    """Delivers every `live` event of the contracts, in the event loop's thread."""

    @property
    def is_ready(self) -> bool:
        """Whether events are heard now."""

    def subscribe(self, on_event: OnEvent, on_connected: OnConnected) -> None:
        """Calls `on_event(type, event)` for each event from now on. `on_connected` is called
        whenever hearing begins (at once if it has begun): what happened before may be missed."""


class Subscribers:
    """Who is told; shared by every kind of feed."""

    def __init__(self) -> None:
        self.is_ready = False
        self._subscribers: list[tuple[OnEvent, OnConnected]] = []

    def subscribe(self, on_event: OnEvent, on_connected: OnConnected) -> None:
        """See `EventFeed.subscribe`."""
        self._subscribers.append((on_event, on_connected))
        if self.is_ready:
            on_connected()

    def connected(self) -> None:
        """Hearing begins."""
        self.is_ready = True
        for _, on_connected in self._subscribers:
            on_connected()

    def deliver(self, event_type: str, event: dict[str, Any]) -> None:
        """Tells everyone; one subscriber's failure is logged and keeps nothing from the others."""
        for on_event, _ in self._subscribers:
            try:
                on_event(event_type, event)
            except Exception:
                log.exception("live_event_failed", type=event_type, event_id=event.get("event_id"))


class AmqpEventFeed(Subscribers):
    """Events from a transient queue of this gateway's own, bound to the owners' exchanges.

    The exchanges must exist: whoever sets the marketplace up declares them.
    """

    def __init__(self, settings: Settings, events: Iterable[Event]) -> None:
        super().__init__()
        self._prefix = settings.broker_prefix
        self._events = [event for event in events if event.live]

    async def set_up(self, connection: AbstractConnection, lost: Callable[[], None]) -> None:
        """Binds a fresh queue and listens."""
        channel = await connection.channel(publisher_confirms=False)
        channel.close_callbacks.add(lambda *_: lost())
        name = f"{self._prefix}live-gateway-{uuid.uuid4().hex}"
        queue = await channel.declare_queue(name, exclusive=True, auto_delete=True)
        for event in self._events:
            await queue.bind(f"{self._prefix}{event.owner}.events", event.type)
        underlay = await channel.get_underlay_channel()
        underlay.on_consumer_cancel_callbacks.add(lambda _: lost())
        await underlay.basic_consume(name, self._on_message, no_ack=True)
        self.connected()

    def let_go(self) -> None:
        """Nothing is heard until there is a new connection."""
        self.is_ready = False

    async def _on_message(self, message: DeliveredMessage) -> None:
        event_type = message.routing_key or ""
        try:
            event = json.loads(message.body)
        except (ValueError, RecursionError):
            log.warning("live_event_unreadable", type=event_type)
            return
        if isinstance(event, dict):
            self.deliver(event_type, event)
