"""One consumer of an in-process channel: what it may hold, and how a letter reaches its callback."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from amqp.exceptions import ConsumerCancelled
from amqp.spec import Basic

from embedded.broker.broker import Letter, Queue

if TYPE_CHECKING:
    from embedded.broker.channel import Channel


class ChannelConsumer:
    """One `basic_consume` of a channel."""

    def __init__(
        self, channel: "Channel", tag: str, queue: Queue, no_ack: bool, callback: Callable[[Any], Any]
    ) -> None:
        self.channel, self.tag, self.queue = channel, tag, queue
        self.no_ack, self.callback = no_ack, callback
        self.prefetch_count = channel.prefetch_count
        self.held = 0
        self.on_cancel: Callable[[str], Any] | None = None

    def is_ready(self) -> bool:
        """Whether its own prefetch and its channel's leave room."""
        if self.no_ack:
            return True
        own, shared = self.prefetch_count, self.channel.global_prefetch_count
        return (not own or self.held < own) and (not shared or len(self.channel.unacked) < shared)

    def take(self, queue: Queue, letter: Letter) -> None:
        """Books the letter as unacknowledged and lets the connection deliver it."""
        delivery_tag = self.channel.next_delivery_tag()
        if not self.no_ack:
            self.held += 1
            self.channel.unacked[delivery_tag] = (queue, letter, self)
        self.channel.arrive(lambda: self._deliver(delivery_tag, letter))

    def _deliver(self, delivery_tag: int, letter: Letter) -> None:
        if self.tag not in self.channel.consumers:
            if not self.no_ack:
                self.channel.basic_reject(delivery_tag, requeue=True)
            return
        self.callback(self.channel.open_letter(letter, delivery_tag, self.tag))

    def cancelled(self) -> None:
        """Tells the owner, or raises in its `drain_events`, as py-amqp does."""
        self.channel.consumers.pop(self.tag, None)
        self.channel.arrive(self._report_cancelled)

    def _report_cancelled(self) -> None:
        if self.on_cancel is None:
            raise ConsumerCancelled(self.tag, Basic.Cancel)
        self.on_cancel(self.tag)
