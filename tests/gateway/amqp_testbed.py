"""A responder in place of the services, and a network to the broker that a test can interrupt."""

import asyncio
import contextlib
import json
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any

import aio_pika
from aio_pika.abc import AbstractIncomingMessage

from gateway.upstream.connection import AmqpConnection
from gateway.upstream.event_feed import AmqpEventFeed
from gateway.upstream.rpc_client import AmqpRpcClient
from kit.http import event_loop
from kit.settings import Settings, load
from services.accounts import contract as accounts
from services.orders import contract as orders
from tests.support.network import Network

DEADLINE_SECONDS = 0.6


class AmqpTestbed:
    """A real client of a real broker, and the means to stand in for the services."""

    def __init__(self, settings: Settings, channel: aio_pika.abc.AbstractChannel, network: Network) -> None:
        self.settings = settings
        self.channel = channel
        self.network = network
        self.rpc = AmqpRpcClient(settings)
        self.feed = AmqpEventFeed(settings, [orders.ORDER_STATUS_CHANGED, accounts.SESSION_REVOKED])
        self.broker = AmqpConnection(settings.amqp_url, self.rpc, self.feed)
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.times_connected = 0
        self.queues: set[str] = set()
        self.feed.subscribe(lambda kind, event: self.heard.append((kind, event)), self._connected)

    def _connected(self) -> None:
        self.times_connected += 1

    async def declare(self, service: str) -> aio_pika.abc.AbstractQueue:
        """Declares the queue of a service."""
        queue = await self.channel.declare_queue(f"{self.settings.broker_prefix}rpc-{service}")
        self.queues.add(queue.name)
        await queue.bind(f"{self.settings.broker_prefix}nameko-rpc", f"{service}.*")
        return queue

    async def respond(self, service: str, answer: Callable[[AbstractIncomingMessage], Any]) -> str:
        """A running service: answers each call with `{"result": answer(message), ...}`, or with the
        whole reply when that is what `answer` gives."""
        exchange = await self.channel.get_exchange(f"{self.settings.broker_prefix}nameko-rpc")

        async def on_call(message: AbstractIncomingMessage) -> None:
            result = answer(message)
            is_reply = isinstance(result, dict) and "error" in result
            reply = result if is_reply else {"result": result, "error": None, "replayed": False}
            body = json.dumps(reply).encode()
            await exchange.publish(
                aio_pika.Message(body, correlation_id=message.correlation_id), message.reply_to or ""
            )

        queue = await self.declare(service)
        return await queue.consume(on_call, no_ack=True)

    async def publish(self, owner: str, kind: str, event: dict[str, Any]) -> None:
        """Publishes an event of a service."""
        exchange = await self.channel.get_exchange(f"{self.settings.broker_prefix}{owner}.events")
        await exchange.publish(aio_pika.Message(json.dumps(event).encode()), kind)


async def until(
    condition: Callable[[], object] | Callable[[], Awaitable[object]], within: float = 10.0
) -> None:
    """Returns as soon as the condition is true."""
    give_up_at = time.monotonic() + within
    while True:
        held = condition()
        if asyncio.iscoroutine(held):
            held = await held
        if held:
            return
        assert time.monotonic() < give_up_at, "it never came true"
        await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def amqp_testbed(
    servers: Settings, connected: bool = True, deadline_seconds: float = DEADLINE_SECONDS
) -> AsyncIterator[AmqpTestbed]:
    """The client on a separate network, with the exchanges that `migrate` declares; deleted at the end."""
    prefix = f"{servers.broker_prefix}gw{secrets.token_hex(3)}-"
    own = await aio_pika.connect(servers.amqp_url)
    with Network(servers.amqp_url) as network:
        settings = load(
            Settings,
            amqp_url=network.url(servers.amqp_url),
            broker_prefix=prefix,
            rpc_deadline_seconds=deadline_seconds,
        )
        async with own, own.channel() as channel:
            names = [f"{prefix}nameko-rpc", f"{prefix}orders.events", f"{prefix}accounts.events"]
            for name in names:
                await channel.declare_exchange(name, aio_pika.ExchangeType.TOPIC)
            testbed = AmqpTestbed(settings, channel, network)
            await testbed.broker.start()
            try:
                if connected:
                    await until(lambda: testbed.broker.is_connected)
                yield testbed
            finally:
                await testbed.broker.stop()
                for name in testbed.queues:
                    await channel.queue_delete(name)
                for name in names:
                    await channel.exchange_delete(name)


def run_on_testbed(
    servers: Settings,
    test: Callable[[AmqpTestbed], Coroutine[Any, Any, None]],
    connected: bool = True,
    deadline_seconds: float = DEADLINE_SECONDS,
) -> None:
    """Runs a test with a client on the broker."""

    async def run() -> None:
        async with amqp_testbed(servers, connected, deadline_seconds) as testbed:
            await asyncio.wait_for(test(testbed), 40)

    event_loop.run(run())
