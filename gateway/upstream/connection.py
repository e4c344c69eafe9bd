"""The gateway's one connection to the broker, made again whenever it is lost.

Every connection starts from nothing: channels, queues (under new names) and bindings are set up
anew. A queue of the lost connection that the broker still holds is therefore never in the way,
and a half-restored state does not exist.
"""

import asyncio
import contextlib
import random
from collections.abc import Callable
from typing import Protocol

import aio_pika
import structlog
from aio_pika.abc import AbstractConnection
from yarl import URL

from gateway.patches import accept_unreadable_properties

_JITTER = random.SystemRandom()
log = structlog.get_logger(__name__)

CONNECT_TIMEOUT_SECONDS = 5.0
SET_UP_TIMEOUT_SECONDS = 15.0  # some thirty answers of the broker, one after the other
HEARTBEAT_SECONDS = 10
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 2.0


accept_unreadable_properties()


class Member(Protocol):
    """Something that lives on the connection."""

    async def set_up(self, connection: AbstractConnection, lost: Callable[[], None]) -> None:
        """Starts work on a new connection; `lost` gives the connection up (for example when a
        channel was closed). Raises whatever the broker refuses with; it is tried again."""

    def let_go(self) -> None:
        """The connection is gone; called before every new one and at the end."""


class Broker:
    """Keeps `members` on a connection until stopped."""

    def __init__(self, amqp_url: str, *members: Member) -> None:
        url = URL(amqp_url)
        self._url = url if "heartbeat" in url.query else url.update_query(heartbeat=HEARTBEAT_SECONDS)
        self._members = members
        self._task: asyncio.Task[None] | None = None
        self.is_connected = False

    async def start(self) -> None:
        """Starts connecting in the background; the broker may be away."""
        self._task = asyncio.create_task(self._keep_connected())

    async def stop(self) -> None:
        """Closes the connection for good."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _keep_connected(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                await self._live_through_one_connection()
                pause = FIRST_PAUSE_SECONDS
            except Exception as error:  # whatever it was, only trying again can help
                log.warning("broker_unreachable", error=f"{type(error).__name__}: {error}")
            await asyncio.sleep(pause * _JITTER.uniform(0.7, 1.3))
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def _live_through_one_connection(self) -> None:
        connection = await aio_pika.connect(self._url, timeout=CONNECT_TIMEOUT_SECONDS)
        lost = asyncio.Event()
        connection.close_callbacks.add(lambda *_: lost.set())
        try:
            async with asyncio.timeout(SET_UP_TIMEOUT_SECONDS):
                for member in self._members:
                    await member.set_up(connection, lost.set)
            self.is_connected = True
            log.info("broker_connected")
            await lost.wait()
            log.warning("broker_connection_lost")
        finally:
            self.is_connected = False
            for member in self._members:
                member.let_go()
            with contextlib.suppress(Exception):
                await asyncio.wait_for(connection.close(), CONNECT_TIMEOUT_SECONDS)
