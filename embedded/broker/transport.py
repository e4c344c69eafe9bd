"""A kombu transport for the in-process broker: `inprocess://` instead of `amqp://`.

It behaves like py-amqp, so that the same code runs on both: messages, confirms and returns arrive in
`drain_events`, one by one; errors of a channel close it. Events wake waiting connections; nothing polls.
"""

from collections.abc import Callable
from typing import Any

from amqp.exceptions import RecoverableConnectionError
from eventlet.queue import Empty, LightQueue
from kombu.transport import TRANSPORT_ALIASES, base, pyamqp

from embedded.broker.broker import Broker
from embedded.broker.channel import Channel

URL = "inprocess://localhost//"


def register() -> None:
    """Registers the URL scheme `inprocess` with kombu."""
    TRANSPORT_ALIASES["inprocess"] = "embedded.broker.transport:Transport"


class BrokerConnection:
    """A connection to the in-process broker."""

    def __init__(self, client: Any, broker: Broker) -> None:
        self.client, self.broker = client, broker
        self.connected = True
        self.channels: dict[int, Channel] = {}
        self.heartbeat = 0
        self.client_properties: dict[str, Any] = {}
        self.server_properties = {"product": "inprocess"}
        self._arrived: LightQueue = LightQueue()
        self._last_channel_id = 0

    def channel(self, channel_id: int | None = None, callback: Any = None) -> Channel:
        """Opens a channel."""
        if not self.connected:
            raise RecoverableConnectionError("connection already closed")
        self._last_channel_id += 1
        channel = Channel(self, self._last_channel_id)
        self.channels[channel.channel_id] = channel
        return channel

    def enqueue(self, channel: Channel, event: Callable[[], None]) -> None:
        """Queues an event for `drain_events` and wakes a waiting one."""
        self._arrived.put((channel, event))

    def drain_events(self, timeout: float | None = None) -> None:
        """Handles one event, waiting for it up to `timeout` seconds.

        Raises: TimeoutError when none came; RecoverableConnectionError when closed.
        """
        if not self.connected:
            raise RecoverableConnectionError("connection already closed")
        try:
            channel, event = self._arrived.get(block=timeout != 0, timeout=timeout)
        except Empty:
            raise TimeoutError("timed out") from None
        if channel is None:
            raise RecoverableConnectionError("connection closed while waiting")
        if channel.is_open:
            event()

    def is_alive(self) -> bool:
        """Whether it is open."""
        return self.connected

    def close(self, *_: Any, **__: Any) -> None:
        """Closes all channels, deletes exclusive queues and wakes a waiting `drain_events`."""
        if not self.connected:
            return
        self.connected = False
        for channel in list(self.channels.values()):
            channel.close()
        for queue in [q for q in self.broker.queues.values() if q.owner is self]:
            self.broker.delete_queue(queue.name)
        self._arrived.put((None, None))

    collect = close


class Transport(base.Transport):  # type: ignore[misc]
    """The kombu transport; the path of the URL is the virtual host."""

    Connection = BrokerConnection
    default_port = 0
    driver_type = "memory"
    driver_name = "inprocess"
    connection_errors = pyamqp.Transport.connection_errors
    channel_errors = pyamqp.Transport.channel_errors
    recoverable_connection_errors = pyamqp.Transport.recoverable_connection_errors
    recoverable_channel_errors = pyamqp.Transport.recoverable_channel_errors
    implements = base.Transport.implements.extend(
        asynchronous=False, heartbeats=False, exchange_type=frozenset(["direct", "topic", "fanout"])
    )

    def driver_version(self) -> str:
        """Returns the version that kombu shows."""
        return "1"

    def establish_connection(self) -> BrokerConnection:
        """Opens a connection to the virtual host of the URL."""
        return BrokerConnection(self.client, Broker.named(self.client.virtual_host or ""))

    def verify_connection(self, connection: BrokerConnection) -> bool:
        """Whether it is still open."""
        return connection.connected

    def close_connection(self, connection: BrokerConnection) -> None:
        """Closes it."""
        connection.client = None
        connection.close()

    def create_channel(self, connection: BrokerConnection) -> Channel:
        """Opens a channel."""
        return connection.channel()

    def drain_events(self, connection: BrokerConnection, **options: Any) -> None:
        """Handles one event of the connection."""
        connection.drain_events(**options)

    def _collect(self, connection: BrokerConnection | None) -> None:
        if connection is not None:
            connection.close()

    @property
    def default_connection_params(self) -> dict[str, Any]:
        """The defaults of a URL."""
        return {"hostname": "localhost", "port": 0, "userid": "", "password": ""}
