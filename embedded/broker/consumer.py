"""One consumer of an in-process channel: its prefetch, and how a message reaches its callback."""

from collections.abc import Callable
from typing import Any, Protocol

from amqp.exceptions import ConsumerCancelled
from amqp.spec import Basic

from embedded.broker.broker import BrokerMessage, Queue


class OwningChannel(Protocol):
    """The part of a channel that its consumers use."""

    prefetch_count: int
    global_prefetch_count: int
    consumers: dict[str, Any]
    unacked: dict[int, Any]

    def next_delivery_tag(self) -> int:
        """Returns the number of the next delivery."""

    def enqueue(self, event: Callable[[], None]) -> None:
        """Queues an event for `drain_events` of the connection."""

    def basic_reject(self, delivery_tag: int, requeue: bool = False) -> None:
        """Returns a delivery to its queue, or to the dead-letter exchange."""

    def to_amqp_message(self, message: BrokerMessage, delivery_tag: int, consumer_tag: str) -> Any:
        """Returns the message that a callback is given."""


class ChannelConsumer:
    """One `basic_consume` of a channel."""

    def __init__(
        self, channel: OwningChannel, tag: str, queue: Queue, no_ack: bool, callback: Callable[[Any], Any]
    ) -> None:
        self.channel, self.tag, self.queue = channel, tag, queue
        self.no_ack, self.callback = no_ack, callback
        self.prefetch_count = channel.prefetch_count
        self.unacked_count = 0
        self.on_cancel: Callable[[str], Any] | None = None

    def is_ready(self) -> bool:
        """Whether its own prefetch and its channel's leave room."""
        if self.no_ack:
            return True
        own, shared = self.prefetch_count, self.channel.global_prefetch_count
        return (not own or self.unacked_count < own) and (not shared or len(self.channel.unacked) < shared)

    def receive(self, queue: Queue, message: BrokerMessage) -> None:
        """Records the message as unacknowledged and lets the connection deliver it."""
        delivery_tag = self.channel.next_delivery_tag()
        if not self.no_ack:
            self.unacked_count += 1
            self.channel.unacked[delivery_tag] = (queue, message, self)
        self.channel.enqueue(lambda: self._deliver(delivery_tag, message))

    def _deliver(self, delivery_tag: int, message: BrokerMessage) -> None:
        if self.tag not in self.channel.consumers:
            if not self.no_ack:
                self.channel.basic_reject(delivery_tag, requeue=True)
            return
        self.callback(self.channel.to_amqp_message(message, delivery_tag, self.tag))

    def cancelled(self) -> None:
        """Calls `on_cancel`, or raises ConsumerCancelled in `drain_events`, as py-amqp does."""
        self.channel.consumers.pop(self.tag, None)
        self.channel.enqueue(self._report_cancelled)

    def _report_cancelled(self) -> None:
        if self.on_cancel is None:
            raise ConsumerCancelled(self.tag, Basic.Cancel)
        self.on_cancel(self.tag)
