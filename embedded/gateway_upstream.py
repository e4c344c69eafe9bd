"""The gateway's RPC client and event feed on the in-process broker, instead of AMQP.

The messages are the same as on RabbitMQ. Services reply from greenlets in the thread of the event loop,
so they may resolve its futures directly.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from chassis.amqp import topology
from embedded.broker.broker import Broker, BrokerMessage, Queue
from gateway.upstream.event_feed import EventSubscribers
from gateway.upstream.rpc_client import HEADER_PREFIX, CallHeaders, PendingCall, Reply, parse_reply
from kit.contracts import Event, Rpc, event_type_of
from kit.errors import TimedOut, Unavailable
from kit.json_bytes import json_bytes, json_value
from kit.replies import is_from_called_service, new_call_id, reply_address, reply_binding
from kit.settings import Settings

NAME = "gateway"


@dataclass(eq=False)
class CallbackConsumer:
    """A consumer that calls a function for each message."""

    handle: Callable[[BrokerMessage], None]

    def is_ready(self) -> bool:
        """Always."""
        return True

    def receive(self, queue: Queue, message: BrokerMessage) -> None:
        """Calls the function."""
        self.handle(message)

    def cancelled(self) -> None:
        """Does nothing: its queue is deleted only when the process ends."""


class EmbeddedRpcClient:
    """Calls services through the in-process broker (a `gateway.upstream.rpc_client.RpcClient`)."""

    def __init__(self, settings: Settings, broker: Broker) -> None:
        self._broker = broker
        self._exchange = topology.rpc_exchange(settings)
        self._deadline_seconds = settings.rpc_deadline_seconds
        self._pending: dict[str, PendingCall] = {}
        queue = broker.declare_queue("rpc.reply-gateway", owner=self)
        broker.bind(queue.name, self._exchange, reply_binding(NAME))
        queue.add_consumer(CallbackConsumer(self._on_reply))

    @property
    def is_ready(self) -> bool:
        """The broker is always there."""
        return True

    async def call(self, contract: Rpc, headers: CallHeaders, **arguments: Any) -> Reply:
        """Returns the reply of one method; raises what `RpcClient.call` raises."""
        call_id, reply_to = new_call_id(), reply_address(contract.service, NAME)
        answered: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._pending[call_id] = PendingCall(contract.service, reply_to, answered)
        try:
            async with asyncio.timeout(self._deadline_seconds):
                self._publish(contract, headers, call_id, arguments)
                body = await answered
        except TimeoutError as error:
            raise TimedOut(f"{contract.service} did not answer in time.") from error
        finally:
            del self._pending[call_id]
        return parse_reply(body)

    def _publish(self, contract: Rpc, headers: CallHeaders, call_id: str, arguments: dict[str, Any]) -> None:
        deadline_ms = str(int(self._deadline_seconds * 1000))
        properties = {
            "content_type": "application/json",
            "content_encoding": "utf-8",
            "correlation_id": call_id,
            "reply_to": self._pending[call_id].reply_to,
            "expiration": deadline_ms,
            "application_headers": {**headers.as_headers(), f"{HEADER_PREFIX}deadline_ms": deadline_ms},
        }
        body = json_bytes({"args": [], "kwargs": arguments})
        if not self._broker.publish(self._exchange, contract.routing_key, body, properties):
            raise Unavailable(f"{contract.service} is not running.")

    def _on_reply(self, message: BrokerMessage) -> None:
        pending = self._pending.get(message.properties.get("correlation_id", ""))
        if pending is None or pending.reply.done():
            return
        headers = message.properties.get("application_headers")
        if is_from_called_service(pending.reply_to, message.routing_key, headers):
            pending.reply.set_result(message.body)


class EmbeddedEventFeed(EventSubscribers):
    """Consumes every live event of the in-process broker (a `gateway.upstream.event_feed.EventFeed`)."""

    def __init__(
        self, settings: Settings, broker: Broker, events: Iterable[Event], loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__()
        self._loop = loop
        queue = broker.declare_queue("live-gateway", owner=self)
        for event in events:
            for key in event.binding_keys() if event.live else ():
                broker.bind(queue.name, topology.events_exchange(settings, event.owner), key)
        queue.add_consumer(CallbackConsumer(self._on_message))
        self.connected()

    def _on_message(self, message: BrokerMessage) -> None:
        # Delivered from the loop, not from within the greenlet that publishes.
        self._loop.call_soon(self.deliver, event_type_of(message.routing_key), json_value(message.body))
