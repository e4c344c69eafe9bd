"""Receiving live events: what the gateway needs of an event feed, and the feed over AMQP."""

import uuid
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import structlog

from gateway.upstream.deliveries import BrokerConnection, Delivery
from kit.contracts import Event, event_type_of
from kit.json_bytes import json_value
from kit.settings import Settings

log = structlog.get_logger(__name__)

OnEvent = Callable[[str, dict[str, Any]], None]
OnConnected = Callable[[], None]


class EventFeed(Protocol):
    """Delivers every `live` event of the contracts, in the event loop's thread."""

    @property
    def is_ready(self) -> bool:
        """Whether events are being received."""

    def subscribe(self, on_event: OnEvent, on_connected: OnConnected) -> None:
        """Calls `on_event(type, event)` for each event from now on, and `on_connected` whenever the feed
        has (re)connected, at once if it is connected: earlier events may have been missed."""


class EventSubscribers:
    """The subscribers of a feed; the base of every kind of feed."""

    def __init__(self) -> None:
        self.is_ready = False
        self._subscribers: list[tuple[OnEvent, OnConnected]] = []

    def subscribe(self, on_event: OnEvent, on_connected: OnConnected) -> None:
        """See `EventFeed.subscribe`."""
        self._subscribers.append((on_event, on_connected))
        if self.is_ready:
            on_connected()

    def connected(self) -> None:
        """Marks the feed as connected and notifies the subscribers."""
        self.is_ready = True
        for _, on_connected in self._subscribers:
            on_connected()

    def deliver(self, event_type: str, event: dict[str, Any]) -> None:
        """Passes an event to every subscriber; a subscriber's failure is logged and affects no other."""
        for on_event, _ in self._subscribers:
            try:
                on_event(event_type, event)
            except Exception:
                log.exception("live_event_failed", type=event_type, event_id=event.get("event_id"))


class AmqpEventFeed(EventSubscribers):
    """Events from an exclusive queue of this gateway, bound to the exchanges of the events' owners.

    The exchanges must exist; `microtasks migrate` declares them.
    """

    def __init__(self, settings: Settings, events: Iterable[Event]) -> None:
        super().__init__()
        self._prefix = settings.broker_prefix
        self._events = [event for event in events if event.live]

    async def on_connect(self, connection: BrokerConnection, reconnect: Callable[[], None]) -> None:
        """Binds a new queue and consumes it."""
        channel = await connection.channel(publisher_confirms=False)
        channel.close_callbacks.add(lambda *_: reconnect())
        name = f"{self._prefix}live-gateway-{uuid.uuid4().hex}"
        queue = await channel.declare_queue(name, exclusive=True, auto_delete=True)
        for event in self._events:
            for key in event.binding_keys():
                await queue.bind(f"{self._prefix}{event.owner}.events", key)
        await connection.consume(channel, name, self._on_message, reconnect)
        self.connected()

    def on_disconnect(self) -> None:
        """Marks the feed as not ready until there is a new connection."""
        self.is_ready = False

    def _on_message(self, message: Delivery) -> None:
        event_type = event_type_of(message.routing_key)
        try:
            event = json_value(message.body)
        except (ValueError, RecursionError):
            log.warning("live_event_unreadable", type=event_type)
            return
        if isinstance(event, dict):
            self.deliver(event_type, event)
