"""How messages get to the broker and from it, beneath `AmqpConnection`: over a socket, or in one process."""

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from amqp import method_framing
from amqp.exceptions import RecoverableConnectionError
from eventlet.semaphore import Semaphore

from chassis import patches
from chassis.amqp import encoding

Channel = Any
READ_BYTES = 32_768

patches.accept_unreadable_properties()  # in what py-amqp still reads: returned and fetched messages


class Delivery(NamedTuple):
    """One message of a consumer. `properties` are the basic properties of AMQP without the headers."""

    channel: Channel
    delivery_tag: int
    redelivered: bool
    routing_key: str
    properties: dict[str, Any]
    headers: dict[Any, Any]
    body: bytes | str


class Message(NamedTuple):
    """One message to publish, with its basic properties by name; `delivery_mode` is one of them."""

    exchange: str
    routing_key: str
    body: bytes
    headers: Mapping[str, Any]
    properties: Mapping[str, Any]
    mandatory: bool = False


class Wire(Protocol):
    """Reads and writes the messages of one connection."""

    def read(self, seconds: float) -> None:
        """Handles what the broker sent, waiting for it. Raises: TimeoutError when nothing came."""

    def publish(self, channel: Channel, message: Message, acknowledged: int | None = None) -> None:
        """Writes a message, and after it the acknowledgement of a delivery."""

    def ack(self, channel: Channel, delivery_tag: int) -> None:
        """Acknowledges a delivery."""


class SocketWire:
    """Messages on py-amqp's socket, for which everything else is left to py-amqp.

    One read takes all frames that have arrived. A write is never interleaved with another one.
    """

    def __init__(self) -> None:
        self._connection: Any = None
        self._transport: Any = None
        self._on_frame: Callable[[tuple[int, int, bytes]], bool]
        self._writing = Semaphore()

    @property
    def is_open(self) -> bool:
        """Whether a connection was opened with its options."""
        return self._connection is not None

    @property
    def options(self) -> dict[str, Any]:
        """The options with which py-amqp's connection is to be opened."""
        return {"frame_handler": self._frame_handler, "frame_writer": self._frame_writer}

    def _frame_writer(self, connection: Any, transport: Any) -> Callable[..., None]:
        self._connection, self._transport = connection, transport
        write = method_framing.frame_writer(connection, transport)

        def write_method(*frame: Any) -> None:
            with self._writing:
                write(*frame)

        return write_method

    def _frame_handler(
        self, connection: Any, callback: Callable[..., Any]
    ) -> Callable[[tuple[int, int, bytes]], bool]:
        handle_others = method_framing.frame_handler(connection, callback)
        arriving: dict[int, _Arriving] = {}

        def on_frame(frame: tuple[int, int, bytes]) -> bool:
            kind, channel_id, payload = frame
            if kind == encoding.METHOD and payload.startswith(encoding.DELIVER):
                arriving[channel_id] = _Arriving(payload)
            elif kind == encoding.METHOD or channel_id not in arriving:
                return bool(handle_others(frame))
            elif arriving[channel_id].add(kind, payload):
                arriving.pop(channel_id).hand_over(connection.channels[channel_id])
                return True
            connection.bytes_recv += 1
            return False

        self._on_frame = on_frame
        return on_frame

    def read(self, seconds: float) -> None:
        """Handles all frames that arrived, waiting for the first.

        Raises: TimeoutError when nothing came; OSError when the connection was closed.
        """
        with self._transport.having_timeout(seconds) as socket:
            data = socket.recv(READ_BYTES)
        if not data:
            raise OSError("the broker closed the connection")
        frames, rest = encoding.split(patches.unread_bytes(self._transport) + data)
        patches.keep_unread(self._transport, rest)
        for frame in frames:
            self._on_frame(frame)

    def publish(self, channel: Channel, message: Message, acknowledged: int | None = None) -> None:
        """Writes a message, and the acknowledgement that follows it, at once."""
        frames = encoding.publish(channel.channel_id, self._connection.frame_max, *message)
        if acknowledged is not None:
            frames += encoding.ack(channel.channel_id, acknowledged)
        self._write(frames)

    def ack(self, channel: Channel, delivery_tag: int) -> None:
        """Acknowledges a delivery."""
        self._write(encoding.ack(channel.channel_id, delivery_tag))

    def _write(self, frames: bytes) -> None:
        with self._writing:
            if not self._transport.connected:
                raise RecoverableConnectionError("connection closed")
            self._transport.write(frames)
        self._connection.bytes_sent += 1  # no heartbeat is due


class _Arriving:
    """A delivery whose frames have not all arrived."""

    def __init__(self, method: bytes) -> None:
        self._consumer, self._arguments = encoding.deliver_arguments(method)
        self._missing = 0
        self._body: list[bytes] = []
        self._properties: dict[str, Any] = {}
        self._headers: dict[Any, Any] = {}

    def add(self, kind: int, payload: bytes) -> bool:
        """Adds a frame of header or body; returns whether it is the last one."""
        if kind == encoding.HEADER:
            self._missing, self._properties, self._headers = encoding.content_header(payload)
        else:
            self._body.append(payload)
            self._missing -= len(payload)
        return self._missing <= 0

    def hand_over(self, channel: Channel) -> None:
        """Calls the consumer, which a cancelled one is still."""
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        callback = channel.callbacks[self._consumer]
        callback(Delivery(channel, *self._arguments, self._properties, self._headers, body))


class LibraryWire:
    """Messages through kombu's interface, which the broker of the embedded marketplace has."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def read(self, seconds: float) -> None:
        """Handles one message or answer. Raises: TimeoutError when none came."""
        self._connection.drain_events(timeout=seconds)

    def publish(self, channel: Channel, message: Message, acknowledged: int | None = None) -> None:
        """Publishes, then acknowledges."""
        prepared = channel.prepare_message(
            message.body,
            content_type="application/json",
            content_encoding="utf-8",
            headers=dict(message.headers),
            properties=dict(message.properties),
        )
        channel.basic_publish(prepared, message.exchange, message.routing_key, message.mandatory)
        if acknowledged is not None:
            channel.basic_ack(acknowledged)

    def ack(self, channel: Channel, delivery_tag: int) -> None:
        """Acknowledges a delivery."""
        channel.basic_ack(delivery_tag)


def body_of(content: Any) -> bytes:
    """Returns the body of a message: a text as it is, anything else as JSON."""
    text = content if isinstance(content, str) else json.dumps(content, separators=(",", ":"))
    return text.encode()


def delivery_of(channel: Channel, message: Any) -> Delivery:
    """Returns a message of kombu's classes as a delivery."""
    if isinstance(message, Delivery):
        return message
    properties, info = message.properties, message.delivery_info
    return Delivery(
        channel,
        message.delivery_tag,
        info["redelivered"],
        info["routing_key"],
        properties,
        properties.get("application_headers") or {},
        message.body,
    )
