"""Whether a service has running processes, so that calls to a stopped one fail at once.

A queue outlives its service, so a call to a stopped service would wait for its whole deadline. Shortly
before the deadline of a call the number of the queue's consumers is probed, and then once a second until
there are some.
"""

import asyncio
import contextlib

import structlog
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import ChannelNotFoundEntity

from kit.errors import Unavailable

log = structlog.get_logger(__name__)

PROBE_INTERVAL_SECONDS = 1.0


class ServiceAvailability:
    """Stores which services are unavailable; a call costs no more than `raise_if_unavailable`."""

    def __init__(self, prefix: str, timeout_seconds: float) -> None:
        self._prefix = prefix
        self._timeout_seconds = timeout_seconds
        self._connection: AbstractConnection | None = None
        self._unavailable: set[str] = set()
        self._probes: dict[str, asyncio.Task[None]] = {}
        self._probed: dict[str, asyncio.Event] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def on_connect(self, connection: AbstractConnection) -> None:
        """Probes through this connection from now on."""
        self._connection = connection

    def on_disconnect(self) -> None:
        """Clears what is known: after a reconnect every service counts as available."""
        self._connection = None
        self._unavailable.clear()
        for task in self._probes.values():
            task.cancel()
        self._probes.clear()
        for probed in self._probed.values():
            probed.set()

    def raise_if_unavailable(self, service: str) -> None:
        """Raises: Unavailable while the service is known to have no running process."""
        if service in self._unavailable:
            raise Unavailable(f"{service} is not running at the moment.")

    async def probe(self, service: str) -> None:
        """Finds out whether a service that did not answer is running; concurrent callers share one probe.

        Raises: Unavailable when it is not.
        """
        if self._connection is not None and service not in self._probes:
            self._probed[service] = asyncio.Event()
            self._probes[service] = asyncio.create_task(
                self._probe_until_recovered(service, self._connection)
            )
        if service in self._probed:
            await self._probed[service].wait()
        self.raise_if_unavailable(service)

    async def _probe_until_recovered(self, service: str, connection: AbstractConnection) -> None:
        while not await self._has_consumers(service, connection):
            if service not in self._unavailable:
                log.warning("service_unavailable", service=service)
                self._unavailable.add(service)
            self._probed[service].set()
            await asyncio.sleep(PROBE_INTERVAL_SECONDS)
        if service in self._unavailable:
            log.info("service_recovered", service=service)
            self._unavailable.discard(service)
        self._probed[service].set()
        del self._probes[service]

    async def _has_consumers(self, service: str, connection: AbstractConnection) -> bool:
        try:
            async with asyncio.timeout(self._timeout_seconds):
                channel = await connection.channel(publisher_confirms=False)
                try:
                    queue = await channel.declare_queue(f"{self._prefix}rpc-{service}", passive=True)
                    return bool(queue.declaration_result.consumer_count)
                finally:
                    self._close_in_background(channel)
        except ChannelNotFoundEntity:
            return False
        except Exception as error:  # calls wait for this probe, so it must end
            log.warning("availability_unknown", service=service, error=f"{type(error).__name__}: {error}")
            return service not in self._unavailable  # a failed probe changes nothing

    def _close_in_background(self, channel: AbstractChannel) -> None:
        # The timeout of a probe must not interrupt this: aiormq would close the channel twice, and the
        # broker would then close the connection, with every call on it.
        closing = asyncio.create_task(_close(channel))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)


async def _close(channel: AbstractChannel) -> None:
    with contextlib.suppress(Exception):  # it is closed with its connection at the latest
        await channel.close()
