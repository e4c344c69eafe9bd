"""Gateways share their counts, so that a rate limit applies to all of them together.

Each publishes to a fanout exchange, twice a second, what it has counted since the last time, and adds what
the others publish. This happens outside of requests. A burst can exceed a limit by what arrives before
counts are shared; without the broker each gateway counts alone.
"""

import asyncio
import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import structlog
from aio_pika.exceptions import ChannelClosed
from aiormq.channel import Channel
from pamqp.commands import Basic

from gateway.security.rate_limits import WINDOW_SECONDS, WindowCounts
from gateway.settings import GatewaySettings
from gateway.upstream.deliveries import BrokerConnection, Delivery

log = structlog.get_logger(__name__)

Counted = tuple[str, float, int]
MAX_ENTRIES = 2_000  # of a message
MAX_KEY_LENGTH = 200
MAX_AMOUNT = 1_000_000
EXPIRATION = "5000"  # milliseconds
PUBLISH_SECONDS = 2.0


class SharedCounts:
    """Shares the counts of a process over the gateway's broker connection."""

    def __init__(self, settings: GatewaySettings, counts: WindowCounts) -> None:
        self._exchange = f"{settings.broker_prefix}gateways"
        self._prefix = settings.broker_prefix
        self._interval_seconds = settings.limit_share_seconds
        self._counts = counts
        self._own_id = uuid.uuid4().hex
        self._task: asyncio.Task[None] | None = None

    @property
    def is_sharing(self) -> bool:
        """Whether counts are being shared."""
        return self._task is not None and not self._task.done()

    async def on_connect(self, connection: BrokerConnection, reconnect: Callable[[], None]) -> None:
        """Binds an exclusive queue and starts publishing.

        Without the exchange, which `microtasks migrate` declares, the gateway works and counts alone.
        """
        del reconnect  # calls and events work without this channel
        channel = await connection.channel(publisher_confirms=False)
        try:
            await channel.declare_exchange(self._exchange, passive=True)
            name = f"{self._prefix}live-gateway-counts-{uuid.uuid4().hex}"
            queue = await channel.declare_queue(name, exclusive=True, auto_delete=True)
            await queue.bind(self._exchange)
            underlay = await connection.consume(channel, name, self._on_message)
        except ChannelClosed as error:
            log.warning("limits_not_shared", error=str(error), hint="run `microtasks migrate`")
            return
        self._counts.start_sharing()
        self._task = asyncio.create_task(self._publish_forever(underlay))

    def on_disconnect(self) -> None:
        """Counts alone until there is a new connection."""
        self._counts.stop_sharing()
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _publish_forever(self, channel: Channel) -> None:
        properties = Basic.Properties(delivery_mode=1, expiration=EXPIRATION)
        try:
            while True:
                await asyncio.sleep(self._interval_seconds)
                for body in _messages(self._counts.take_unshared()):
                    async with asyncio.timeout(PUBLISH_SECONDS):
                        await channel.basic_publish(
                            body,
                            exchange=self._exchange,
                            routing_key=self._own_id,  # by which it knows its own messages
                            properties=properties,
                        )
        except Exception as error:  # whatever the cause, the gateway goes on without shared counts
            self._counts.stop_sharing()
            log.warning("limits_not_shared", error=f"{type(error).__name__}: {error}")

    def _on_message(self, message: Delivery) -> None:
        if message.routing_key == self._own_id:
            return
        try:
            for key, seconds, amount in _entries(message.body):
                self._counts.add(key, seconds, amount)
        except (ValueError, TypeError, RecursionError) as error:
            log.warning("shared_counts_unreadable", error=f"{type(error).__name__}: {error}")


def _messages(counted: list[Counted]) -> Iterator[bytes]:
    for start in range(0, len(counted), MAX_ENTRIES):
        yield json.dumps(counted[start : start + MAX_ENTRIES], separators=(",", ":")).encode()


def _entries(body: bytes) -> list[Counted]:
    """Parses what another gateway has counted. Raises: ValueError, TypeError when it is malformed."""
    entries: Any = json.loads(body)
    return [_entry(*entry) for entry in entries[:MAX_ENTRIES]]


def _entry(key: Any, seconds: Any, amount: Any) -> Counted:
    fits = isinstance(key, str) and len(key) <= MAX_KEY_LENGTH
    if not fits or not 0 <= seconds <= WINDOW_SECONDS or not 0 < amount <= MAX_AMOUNT:
        raise ValueError("a count is out of bounds")
    return key, float(seconds), int(amount)
