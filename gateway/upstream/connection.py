"""The gateway's one connection to the broker, which is reopened whenever it is lost.

Every connection starts from scratch: channels, queues (with new names) and bindings are declared again.
A queue that the broker still holds for a lost connection therefore never conflicts with a new one, and
no state is ever half restored.
"""

import asyncio
import contextlib
import random
from collections.abc import Callable
from typing import Protocol

import aio_pika
import structlog
from yarl import URL

from gateway.upstream.deliveries import BrokerConnection

_JITTER = random.SystemRandom()
log = structlog.get_logger(__name__)

CONNECT_TIMEOUT_SECONDS = 5.0
SET_UP_TIMEOUT_SECONDS = 15.0  # for about thirty round trips to the broker, one after the other
HEARTBEAT_SECONDS = 10
FIRST_BACKOFF_SECONDS = 0.2
MAX_BACKOFF_SECONDS = 2.0


class ConnectionUser(Protocol):
    """A component that works over the connection."""

    async def on_connect(self, connection: BrokerConnection, reconnect: Callable[[], None]) -> None:
        """Starts work on a new connection; `reconnect` replaces it, for example when a channel was closed.

        Raises whatever the broker refuses with; another connection is then tried.
        """

    def on_disconnect(self) -> None:
        """Stops work: the connection is lost. Also called when `on_connect` failed, and at the end."""


class AmqpConnection:
    """Keeps its users connected until it is stopped."""

    def __init__(self, amqp_url: str, *users: ConnectionUser) -> None:
        url = URL(amqp_url)
        self._url = url if "heartbeat" in url.query else url.update_query(heartbeat=HEARTBEAT_SECONDS)
        self._users = users
        self._task: asyncio.Task[None] | None = None
        self.is_connected = False

    async def start(self) -> None:
        """Starts connecting in the background; the broker may be unavailable."""
        self._task = asyncio.create_task(self._keep_connected())

    async def stop(self) -> None:
        """Closes the connection for good."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _keep_connected(self) -> None:
        backoff = FIRST_BACKOFF_SECONDS
        while True:
            try:
                await self._use_one_connection()
                backoff = FIRST_BACKOFF_SECONDS
            except Exception as error:  # whatever the cause, the connection is retried
                log.warning("broker_unreachable", error=f"{type(error).__name__}: {error}")
            await asyncio.sleep(backoff * _JITTER.uniform(0.7, 1.3))
            backoff = min(backoff * 2, MAX_BACKOFF_SECONDS)

    async def _use_one_connection(self) -> None:
        connection = await aio_pika.connect(
            self._url, timeout=CONNECT_TIMEOUT_SECONDS, connection_class=BrokerConnection
        )
        lost = asyncio.Event()
        connection.close_callbacks.add(lambda *_: lost.set())
        try:
            async with asyncio.timeout(SET_UP_TIMEOUT_SECONDS):
                for user in self._users:
                    await user.on_connect(connection, lost.set)
            self.is_connected = True
            log.info("broker_connected")
            await lost.wait()
            log.warning("broker_connection_lost")
        finally:
            self.is_connected = False
            for user in self._users:
                user.on_disconnect()
            with contextlib.suppress(Exception):
                await asyncio.wait_for(connection.close(), CONNECT_TIMEOUT_SECONDS)
