"""A responder in place of services, and a wire to the broker that a test can cut."""

import asyncio
import contextlib
import json
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aio_pika
from aio_pika.abc import AbstractIncomingMessage
from pamqp.base import Frame
from pamqp.frame import marshal
from yarl import URL

from chassis.settings import Settings, load
from gateway.broker import Broker
from gateway.feed import AmqpEventFeed
from gateway.rpc import AmqpRpcClient
from services.accounts import contract as accounts
from services.orders import contract as orders

DEADLINE_SECONDS = 0.6


class Wire:
    """A TCP forwarder in front of the broker."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._writers: set[asyncio.StreamWriter] = set()
        self._clients: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.is_open = True

    async def start(self) -> int:
        """Begins to forward; the port to connect to."""
        self._server = await asyncio.start_server(self._forward, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def cut(self) -> None:
        """Breaks every connection; new ones work unless `is_open` is False."""
        for writer in self._writers:
            writer.transport.abort()

    def say(self, frame: Frame) -> None:
        """Tells every client something in the broker's name."""
        for writer in self._clients:
            writer.write(marshal(frame, 0))

    async def stop(self) -> None:
        """Breaks everything for good."""
        self.cut()
        if self._server is not None:
            self._server.close()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self.is_open:
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_connection(*self._target)
        self._writers |= {writer, far_writer}
        self._clients.add(writer)
        await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
    writer.close()


class AmqpWorld:
    """A real client of a real broker, and the means to play the services."""

    def __init__(self, settings: Settings, channel: aio_pika.abc.AbstractChannel, wire: Wire) -> None:
        self.settings = settings
        self.channel = channel
        self.wire = wire
        self.rpc = AmqpRpcClient(settings)
        self.feed = AmqpEventFeed(settings, [orders.ORDER_STATUS_CHANGED, accounts.SESSION_REVOKED])
        self.broker = Broker(settings.amqp_url, self.rpc, self.feed)
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.times_connected = 0
        self.queues: set[str] = set()
        self.feed.subscribe(lambda kind, event: self.heard.append((kind, event)), self._connected)

    def _connected(self) -> None:
        self.times_connected += 1

    async def declare(self, service: str) -> aio_pika.abc.AbstractQueue:
        """The queue of a service that is installed."""
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
        """An event of a service."""
        exchange = await self.channel.get_exchange(f"{self.settings.broker_prefix}{owner}.events")
        await exchange.publish(aio_pika.Message(json.dumps(event).encode()), kind)


async def until(
    condition: Callable[[], object] | Callable[[], Awaitable[object]], within: float = 10.0
) -> None:
    """Returns as soon as it holds."""
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
async def amqp_world(
    servers: Settings, connected: bool = True, deadline_seconds: float = DEADLINE_SECONDS
) -> AsyncIterator[AmqpWorld]:
    """The client connected through a wire; exchanges as `migrate` makes them, gone at the end."""
    url = URL(servers.amqp_url)
    wire = Wire(url.host or "127.0.0.1", url.port or 5672)
    port = await wire.start()
    prefix = f"{servers.broker_prefix}gw{secrets.token_hex(3)}-"
    settings = load(
        Settings,
        amqp_url=str(url.with_host("127.0.0.1").with_port(port)),
        broker_prefix=prefix,
        rpc_deadline_seconds=deadline_seconds,
    )
    own = await aio_pika.connect(servers.amqp_url)
    async with own, own.channel() as channel:
        names = [f"{prefix}nameko-rpc", f"{prefix}orders.events", f"{prefix}accounts.events"]
        for name in names:
            await channel.declare_exchange(name, aio_pika.ExchangeType.TOPIC)
        world = AmqpWorld(settings, channel, wire)
        await world.broker.start()
        try:
            if connected:
                await until(lambda: world.broker.is_connected)
            yield world
        finally:
            await world.broker.stop()
            await wire.stop()
            for name in world.queues:
                await channel.queue_delete(name)
            for name in names:
                await channel.exchange_delete(name)
