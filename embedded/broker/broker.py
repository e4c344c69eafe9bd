"""An in-process message broker: the part of AMQP that this codebase uses.

It depends on neither kombu nor eventlet: `embedded.broker.transport` adds the interface of an AMQP
connection, and `embedded.gateway_upstream` calls it directly. Single-threaded and not durable.
"""

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Protocol

from amqp.exceptions import NotFound, PreconditionFailed, ResourceLocked

Properties = dict[str, Any]


@dataclass(frozen=True)
class BrokerMessage:
    """One message in transit. `expires_at` is a monotonic time, or None."""

    exchange: str
    routing_key: str
    body: bytes
    properties: Properties
    expires_at: float | None = None
    redelivered: bool = False

    @property
    def is_expired(self) -> bool:
        """Whether it must no longer be delivered."""
        return self.expires_at is not None and time.monotonic() >= self.expires_at


class Consumer(Protocol):
    """A receiver of a queue's messages. `receive` must not call the broker synchronously."""

    def is_ready(self) -> bool:
        """Whether it may be given one more message (its prefetch is not used up)."""

    def receive(self, queue: "Queue", message: BrokerMessage) -> None:
        """Accepts a message, to be handled later."""

    def cancelled(self) -> None:
        """Called when its queue was deleted."""


@dataclass
class Queue:
    """Waiting messages and their consumers, served in turn."""

    broker: "Broker"
    name: str
    durable: bool = False
    auto_delete: bool = False
    owner: object | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    messages: deque[BrokerMessage] = field(default_factory=deque)
    consumers: deque[Consumer] = field(default_factory=deque)

    def put(self, message: BrokerMessage) -> None:
        """Appends a message and dispatches."""
        self.messages.append(message)
        self.dispatch()

    def requeue(self, message: BrokerMessage) -> None:
        """Puts an unacknowledged message back at the front."""
        self.messages.appendleft(replace(message, redelivered=True))
        self.dispatch()

    def dead_letter(self, message: BrokerMessage, reason: str) -> None:
        """Passes a rejected or expired message to the dead-letter exchange, if there is one."""
        exchange = self.arguments.get("x-dead-letter-exchange")
        if exchange is None:
            return
        routing_key = self.arguments.get("x-dead-letter-routing-key", message.routing_key)
        headers = dict(message.properties.get("application_headers") or {})
        headers |= {"x-first-death-queue": self.name, "x-first-death-reason": reason}
        properties = {**message.properties, "application_headers": headers}
        properties.pop("expiration", None)
        self.broker.publish(exchange, routing_key, message.body, properties)

    def waiting(self) -> int:
        """Returns the number of waiting messages after dead-lettering expired ones at the front."""
        while self.messages and self.messages[0].is_expired:
            self.dead_letter(self.messages.popleft(), "expired")
        return len(self.messages)

    def pop(self) -> BrokerMessage | None:
        """Removes and returns the next message, or None."""
        return self.messages.popleft() if self.waiting() else None

    def dispatch(self) -> None:
        """Gives waiting messages to ready consumers, round robin."""
        while self.waiting() and (consumer := self._next_ready()) is not None:
            consumer.receive(self, self.messages.popleft())

    def _next_ready(self) -> Consumer | None:
        for _ in range(len(self.consumers)):
            consumer = self.consumers[0]
            self.consumers.rotate(-1)
            if consumer.is_ready():
                return consumer
        return None

    def add_consumer(self, consumer: Consumer) -> None:
        """Starts delivering to a consumer."""
        self.consumers.append(consumer)
        self.dispatch()

    def remove_consumer(self, consumer: Consumer) -> None:
        """Stops delivering to a consumer; an auto-delete queue is deleted with its last one."""
        if consumer in self.consumers:
            self.consumers.remove(consumer)
            if self.auto_delete and not self.consumers:
                self.broker.delete_queue(self.name)


@dataclass
class Exchange:
    """An exchange; `bindings` are pairs of queue name and binding key."""

    name: str
    kind: str
    durable: bool
    auto_delete: bool
    bindings: dict[tuple[str, str], None] = field(default_factory=dict)

    def queues_for(self, routing_key: str) -> list[str]:
        """Returns the names of the queues that match a routing key, each once."""
        found = {queue for queue, key in self.bindings if self._matches(key, routing_key)}
        return sorted(found)

    def _matches(self, binding_key: str, routing_key: str) -> bool:
        if self.kind == "fanout":
            return True
        if self.kind == "topic":
            return topic_matches(binding_key, routing_key)
        return binding_key == routing_key


@lru_cache(maxsize=4096)
def topic_matches(binding_key: str, routing_key: str) -> bool:
    """AMQP 0-9-1, 3.1.3.3: `*` stands for one word, `#` for any number of them, none included."""
    pattern, words = binding_key.split("."), routing_key.split(".")
    reachable = {0}
    for part in pattern:
        if part == "#":
            reachable = set(range(min(reachable), len(words) + 1)) if reachable else set()
        else:
            reachable = {i + 1 for i in reachable if i < len(words) and part in ("*", words[i])}
    return len(words) in reachable


class Broker:
    """Exchanges and queues of one virtual host."""

    _by_name: dict[str, "Broker"] = {}

    @classmethod
    def named(cls, virtual_host: str) -> "Broker":
        """Returns the broker that all connections of this process to that virtual host share."""
        return cls._by_name.setdefault(virtual_host.strip("/"), cls())

    @classmethod
    def forget(cls, virtual_host: str) -> None:
        """Deletes a virtual host and its contents."""
        cls._by_name.pop(virtual_host.strip("/"), None)

    def __init__(self) -> None:
        self.exchanges: dict[str, Exchange] = {}
        self.queues: dict[str, Queue] = {}

    def declare_exchange(
        self, name: str, kind: str = "direct", durable: bool = False, auto_delete: bool = False
    ) -> Exchange:
        """Creates an exchange, or returns an equal one. Raises: PreconditionFailed when it differs."""
        exchange = self.exchanges.setdefault(name, Exchange(name, kind, durable, auto_delete))
        if (exchange.kind, exchange.durable, exchange.auto_delete) != (kind, durable, auto_delete):
            raise PreconditionFailed(f"inequivalent arg for exchange '{name}'")
        return exchange

    def exchange(self, name: str) -> Exchange:
        """Returns an existing exchange. Raises: NotFound."""
        if name not in self.exchanges:
            raise NotFound(f"NOT_FOUND - no exchange '{name}'")
        return self.exchanges[name]

    def delete_exchange(self, name: str) -> None:
        """Deletes an exchange and its bindings; the queues stay."""
        self.exchanges.pop(name, None)

    def declare_queue(
        self,
        name: str,
        durable: bool = False,
        auto_delete: bool = False,
        owner: object | None = None,
        arguments: Mapping[str, Any] | None = None,
    ) -> Queue:
        """Creates a queue, or returns an equal one; `owner` makes it exclusive.

        Raises: PreconditionFailed when it differs, ResourceLocked when another connection owns it.
        """
        wanted = Queue(self, name, durable, auto_delete, owner, dict(arguments or {}))
        queue = self.queues.setdefault(name, wanted)
        if queue.owner is not owner:
            raise ResourceLocked(f"RESOURCE_LOCKED - queue '{name}' belongs to another connection")
        if (queue.durable, queue.auto_delete, queue.arguments) != (durable, auto_delete, wanted.arguments):
            raise PreconditionFailed(f"inequivalent arg for queue '{name}'")
        return queue

    def queue(self, name: str) -> Queue:
        """Returns an existing queue. Raises: NotFound."""
        if name not in self.queues:
            raise NotFound(f"NOT_FOUND - no queue '{name}'")
        return self.queues[name]

    def delete_queue(self, name: str) -> int:
        """Deletes a queue, its bindings and its messages; returns the number of messages."""
        queue = self.queues.pop(name, None)
        if queue is None:
            return 0
        for exchange in self.exchanges.values():
            exchange.bindings = {pair: None for pair in exchange.bindings if pair[0] != name}
        for consumer in queue.consumers:
            consumer.cancelled()
        return len(queue.messages)

    def bind(self, queue: str, exchange: str, binding_key: str) -> None:
        """Routes messages that match `binding_key` to the queue. Raises: NotFound."""
        self.exchange(exchange).bindings[(self.queue(queue).name, binding_key)] = None

    def unbind(self, queue: str, exchange: str, binding_key: str) -> None:
        """Removes a binding."""
        if exchange in self.exchanges:
            self.exchanges[exchange].bindings.pop((queue, binding_key), None)

    def publish(self, exchange: str, routing_key: str, body: bytes, properties: Properties) -> bool:
        """Delivers to every matching queue; returns whether there was one. Raises: NotFound (no exchange).

        The empty exchange addresses the queue named by `routing_key`. `expiration` in the
        properties is in milliseconds, as a string.
        """
        names = self.exchange(exchange).queues_for(routing_key) if exchange else [routing_key]
        queues = [self.queues[name] for name in names if name in self.queues]
        expiration = properties.get("expiration")
        expires_at = None if expiration is None else time.monotonic() + int(expiration) / 1000
        for queue in queues:
            queue.put(BrokerMessage(exchange, routing_key, body, properties, expires_at))
        return bool(queues)
