"""Whether anybody works for a service: so that callers of a stopped one are refused at once.

A queue outlives its service, so a call to a stopped service waits in vain. Shortly before its
deadline the queue is asked for its consumers, and then each second until there are some.
"""

import asyncio
import contextlib

import structlog
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import ChannelNotFoundEntity

from kit.errors import Unavailable

log = structlog.get_logger(__name__)

LOOK_AGAIN_SECONDS = 1.0


class Presence:
    """Remembers which services nobody works for; `check` is all a call pays."""

    def __init__(self, prefix: str, timeout_seconds: float) -> None:
        self._prefix = prefix
        self._timeout_seconds = timeout_seconds
        self._connection: AbstractConnection | None = None
        self._away: set[str] = set()
        self._looking: dict[str, asyncio.Task[None]] = {}
        self._looked: dict[str, asyncio.Event] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def use(self, connection: AbstractConnection) -> None:
        """Looks through this connection from now on."""
        self._connection = connection

    def let_go(self) -> None:
        """Forgets everything: after a reconnect every service gets a new chance."""
        self._connection = None
        self._away.clear()
        for task in self._looking.values():
            task.cancel()
        self._looking.clear()
        for looked in self._looked.values():
            looked.set()

    def check(self, service: str) -> None:
        """Raises: Unavailable while the service is known to be away."""
        if service in self._away:
            raise Unavailable(f"{service} is not running at the moment.")

    async def look(self, service: str) -> None:
        """A call to it got no answer: finds out whether anybody is there; callers share one look.

        Raises: Unavailable when nobody is.
        """
        if self._connection is not None and service not in self._looking:
            self._looked[service] = asyncio.Event()
            self._looking[service] = asyncio.create_task(self._look_until_back(service, self._connection))
        if service in self._looked:
            await self._looked[service].wait()
        self.check(service)

    async def _look_until_back(self, service: str, connection: AbstractConnection) -> None:
        while not await self._has_consumers(service, connection):
            if service not in self._away:
                log.warning("service_away", service=service)
                self._away.add(service)
            self._looked[service].set()
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
        if service in self._away:
            log.info("service_back", service=service)
            self._away.discard(service)
        self._looked[service].set()
        del self._looking[service]

    async def _has_consumers(self, service: str, connection: AbstractConnection) -> bool:
        try:
            async with asyncio.timeout(self._timeout_seconds):
                channel = await connection.channel(publisher_confirms=False)
                try:
                    queue = await channel.declare_queue(f"{self._prefix}rpc-{service}", passive=True)
                    return bool(queue.declaration_result.consumer_count)
                finally:
                    self._close_aside(channel)
        except ChannelNotFoundEntity:
            return False
        except Exception as error:  # calls wait for the end of this look, so it must have one
            log.warning("presence_unknown", service=service, error=f"{type(error).__name__}: {error}")
            return service not in self._away  # a slow look says nothing: what was known stays

    def _close_aside(self, channel: AbstractChannel) -> None:
        # The time-out of a look must not interrupt this: aiormq would close the channel twice, and
        # the broker answers that by closing the connection, with every call on it.
        closing = asyncio.create_task(_close(channel))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)


async def _close(channel: AbstractChannel) -> None:
    with contextlib.suppress(Exception):  # it is closed in any case, at the latest with its connection
        await channel.close()
