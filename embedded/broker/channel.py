"""A channel to the in-process broker with the interface of py-amqp's `Channel`."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any, Protocol
from uuid import uuid4

from amqp.exceptions import NoConsumers, RecoverableConnectionError
from amqp.protocol import queue_declare_ok_t
from amqp.spec import Basic
from kombu.transport import base, pyamqp

from embedded.broker.broker import Broker, BrokerMessage, Queue
from embedded.broker.consumer import ChannelConsumer

AmqpMessage = Any


class OwningConnection(Protocol):
    """The part of a connection that its channels use."""

    broker: Broker
    channels: dict[int, Any]

    def enqueue(self, channel: Any, event: Callable[[], None]) -> None:
        """Queues an event of a channel for `drain_events`."""


class Channel(base.StdChannel):  # type: ignore[misc]
    """The part of py-amqp's `Channel` that kombu, Nameko and `chassis` use."""

    Message = pyamqp.Message
    prepare_message = pyamqp.Channel.prepare_message
    prepare_queue_arguments = pyamqp.Channel.prepare_queue_arguments
    message_to_python = pyamqp.Channel.message_to_python

    def __init__(self, connection: OwningConnection, channel_id: int) -> None:
        self.connection: OwningConnection | None = connection
        self.channel_id = channel_id
        self.is_open = True
        self.broker = connection.broker
        self.events: dict[str, set[Callable[..., Any]]] = defaultdict(set)
        self.consumers: dict[str, ChannelConsumer] = {}
        self.no_ack_consumers: set[str] = set()
        self.unacked: dict[int, tuple[Queue, BrokerMessage, ChannelConsumer | None]] = {}
        self.prefetch_count = self.global_prefetch_count = 0
        self._delivered = self._published = 0
        self._confirms = False

    def enqueue(self, event: Callable[[], None]) -> None:
        """Queues an event for `drain_events` of the connection and wakes it."""
        if self.connection is not None:
            self.connection.enqueue(self, event)

    def next_delivery_tag(self) -> int:
        """Returns the number of the next delivery."""
        self._delivered += 1
        return self._delivered

    def settle(self, delivery_tag: int) -> tuple[Queue, BrokerMessage] | None:
        """Removes a delivery from the unacknowledged ones; None when it is not one of them."""
        if (found := self.unacked.pop(delivery_tag, None)) is None:
            return None
        queue, message, consumer = found
        if consumer is not None:
            consumer.unacked_count -= 1
        return queue, message

    def to_amqp_message(self, message: BrokerMessage, delivery_tag: int, consumer_tag: str) -> AmqpMessage:
        """Returns the message that a callback is given, decoded as py-amqp decodes it."""
        properties = dict(message.properties)
        body: bytes | str = message.body
        if encoding := properties.get("content_encoding"):
            try:
                body = message.body.decode(encoding)
            except (LookupError, UnicodeDecodeError):
                body = message.body
        amqp_message = pyamqp.amqp.Message(body, channel=self, **properties)
        amqp_message.delivery_info = {
            "consumer_tag": consumer_tag,
            "delivery_tag": delivery_tag,
            "redelivered": message.redelivered,
            "exchange": message.exchange,
            "routing_key": message.routing_key,
        }
        return amqp_message

    def exchange_declare(
        self,
        exchange: str,
        type: str = "direct",  # noqa: A002 - the name is py-amqp's
        passive: bool = False,
        durable: bool = False,
        auto_delete: bool = True,
        nowait: bool = False,
        arguments: Mapping[str, Any] | None = None,
        **_: Any,
    ) -> None:
        """Declares an exchange (direct, topic or fanout)."""
        if passive:
            self._checked(self.broker.exchange, exchange)
        elif exchange:
            self._checked(self.broker.declare_exchange, exchange, type, durable, auto_delete)

    def exchange_delete(self, exchange: str, if_unused: bool = False, nowait: bool = False) -> None:
        """Deletes an exchange."""
        self.broker.delete_exchange(exchange)

    def queue_declare(
        self,
        queue: str = "",
        passive: bool = False,
        durable: bool = False,
        exclusive: bool = False,
        auto_delete: bool = True,
        nowait: bool = False,
        arguments: Mapping[str, Any] | None = None,
    ) -> Any:
        """Declares a queue, or with `passive` only asks for its counts."""
        name = queue or f"amq.gen-{uuid4().hex}"
        if passive:
            found = self._checked(self.broker.queue, name)
        else:
            owner = self.connection if exclusive else None
            found = self._checked(self.broker.declare_queue, name, durable, auto_delete, owner, arguments)
        return queue_declare_ok_t(name, found.waiting(), len(found.consumers))

    def queue_bind(
        self,
        queue: str,
        exchange: str = "",
        routing_key: str = "",
        nowait: bool = False,
        arguments: Any = None,
    ) -> None:
        """Binds a queue to an exchange."""
        self._checked(self.broker.bind, queue, exchange, routing_key)

    def queue_unbind(
        self, queue: str, exchange: str, routing_key: str = "", nowait: bool = False, arguments: Any = None
    ) -> None:
        """Unbinds a queue."""
        self.broker.unbind(queue, exchange, routing_key)

    def queue_delete(
        self, queue: str = "", if_unused: bool = False, if_empty: bool = False, nowait: bool = False
    ) -> int:
        """Deletes a queue; says how many messages it held."""
        return self.broker.delete_queue(queue)

    def queue_purge(self, queue: str = "", nowait: bool = False) -> int:
        """Empties a queue; says how many messages it held."""
        found: Queue = self._checked(self.broker.queue, queue)
        count = found.waiting()
        found.messages.clear()
        return count

    def _checked(self, operation: Callable[..., Any], *arguments: Any) -> Any:
        if not self.is_open:
            raise RecoverableConnectionError("channel is closed")
        try:
            return operation(*arguments)
        except Exception:
            self.close()
            raise

    def confirm_select(self, nowait: bool = False) -> None:
        """Confirms every later publish through `events["basic_ack"]`."""
        self._confirms = True

    def basic_publish(
        self,
        msg: AmqpMessage,
        exchange: str = "",
        routing_key: str = "",
        mandatory: bool = False,
        immediate: bool = False,
        **_: Any,
    ) -> None:
        """Publishes; returns and confirms arrive in `drain_events`."""
        if not self.is_open:
            raise RecoverableConnectionError("basic_publish: connection closed")
        self._published += 1
        properties, body = dict(msg.properties), msg.body
        if isinstance(body, str):
            body = body.encode(properties.setdefault("content_encoding", "utf-8"))
        if exchange and exchange not in self.broker.exchanges:
            self.enqueue(lambda: self._checked(self.broker.exchange, exchange))
            return
        routed = self.broker.publish(exchange, routing_key, bytes(body), properties)
        if mandatory and not routed:
            self.enqueue(lambda: self._return(msg, exchange, routing_key))
        if self._confirms:
            self._confirm(self._published)

    def _confirm(self, delivery_tag: int) -> None:
        def confirm() -> None:
            for callback in list(self.events["basic_ack"]):
                callback(delivery_tag, False)

        self.enqueue(confirm)

    def _return(self, msg: AmqpMessage, exchange: str, routing_key: str) -> None:
        error = NoConsumers("NO_ROUTE", Basic.Return)
        if not self.events["basic_return"]:
            raise error
        for callback in list(self.events["basic_return"]):
            callback(error, exchange, routing_key, msg)

    def basic_qos(
        self, prefetch_size: int, prefetch_count: int, a_global: bool = False, **options: Any
    ) -> None:
        """How many unacknowledged messages each later consumer (or the channel) may hold; 0: any."""
        if a_global or options.get("apply_global"):
            self.global_prefetch_count = prefetch_count
        else:
            self.prefetch_count = prefetch_count

    def basic_consume(
        self,
        queue: str = "",
        consumer_tag: str = "",
        no_local: bool = False,
        no_ack: bool = False,
        exclusive: bool = False,
        nowait: bool = False,
        callback: Callable[[AmqpMessage], Any] | None = None,
        arguments: Any = None,
        on_cancel: Callable[[str], Any] | None = None,
    ) -> str:
        """Makes `drain_events` call `callback` for each message of the queue."""
        found: Queue = self._checked(self.broker.queue, queue)
        tag = consumer_tag or f"amq.ctag-{uuid4().hex}"
        consumer = ChannelConsumer(self, tag, found, no_ack, callback or (lambda message: None))
        consumer.on_cancel = on_cancel
        self.consumers[tag] = consumer
        if no_ack:
            self.no_ack_consumers.add(tag)
        found.add_consumer(consumer)
        return tag

    def basic_cancel(self, consumer_tag: str, nowait: bool = False) -> None:
        """Stops a consumer; its unacknowledged messages stay unacknowledged."""
        consumer = self.consumers.pop(consumer_tag, None)
        self.no_ack_consumers.discard(consumer_tag)
        if consumer is not None:
            consumer.queue.remove_consumer(consumer)

    def basic_get(self, queue: str = "", no_ack: bool = False) -> AmqpMessage | None:
        """Returns the next message of a queue, or None."""
        found: Queue = self._checked(self.broker.queue, queue)
        message = found.pop()
        if message is None:
            return None
        tag = self.next_delivery_tag()
        if not no_ack:
            self.unacked[tag] = (found, message, None)
        return self.to_amqp_message(message, tag, "")

    def basic_ack(self, delivery_tag: int, multiple: bool = False) -> None:
        """Acknowledges a message; with `multiple`, all before it as well."""
        tags = [tag for tag in self.unacked if tag <= delivery_tag] if multiple else [delivery_tag]
        for tag in tags:
            self.settle(tag)
        self._dispatch()

    def basic_reject(self, delivery_tag: int, requeue: bool = False) -> None:
        """Returns a message to its queue, or to the dead-letter exchange."""
        if (found := self.settle(delivery_tag)) is None:
            return
        queue, message = found
        if requeue:
            queue.requeue(message)
        else:
            queue.dead_letter(message, "rejected")
        self._dispatch()

    def basic_recover(self, requeue: bool = True) -> None:
        """Returns every unacknowledged message to its queue, in order."""
        for tag in sorted(self.unacked, reverse=True):
            if (found := self.settle(tag)) is not None:
                found[0].requeue(found[1])

    def _dispatch(self) -> None:
        for consumer in list(self.consumers.values()):
            consumer.queue.dispatch()

    def close(self, *_: Any, **__: Any) -> None:
        """Cancels the consumers and returns unacknowledged messages to their queues. Idempotent."""
        if not self.is_open:
            return
        self.is_open = False
        for tag in list(self.consumers):
            self.basic_cancel(tag)
        self.basic_recover()
        if self.connection is not None:
            self.connection.channels.pop(self.channel_id, None)
            self.connection = None

    collect = close
