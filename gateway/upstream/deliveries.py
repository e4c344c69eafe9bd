"""Deliveries to one channel, decoded as soon as their bytes have arrived.

Replies to calls are most of what the gateway receives. aiormq would read each of their three frames with
three waits, decode it with pamqp, wake the channel's reader for it, and start a task for the message. Here
the connection's stream hands a reply over itself, and leaves all other frames to aiormq.
"""

import asyncio
import struct
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, SupportsIndex

import aio_pika
import structlog
from aiormq.connection import TransportFactory
from aiormq.exceptions import AMQPConnectionError
from pamqp import decode
from pamqp.commands import Basic
from pamqp.constants import FRAME_END, FRAME_HEADER, FRAME_METHOD
from pamqp.heartbeat import Heartbeat
from yarl import URL

log = structlog.get_logger(__name__)

NO_CHANNEL = -1
# aiormq takes a connection for dead on which it sees nothing, and the broker sends heartbeats to an idle
# connection only. So once in a while a heartbeat stands for the deliveries.
HEARTBEAT_SECONDS = 1.0
_FRAME_START = struct.Struct(">BHI")  # type, channel, length
_CONTENT_START = struct.Struct(">HHQH")  # class, weight, length of the body, flags
_DELIVER = struct.pack(">I", Basic.Deliver.index)
_TAG_AND_REDELIVERED = 9  # bytes
_FLAGS = Basic.Properties.flags


class Delivery(NamedTuple):
    """A message, and what a reply needs of its properties."""

    routing_key: str
    correlation_id: str
    headers: Mapping[str, Any]
    body: bytes


class Deliveries:
    """Puts the frames of each delivery to a channel together. The consumer must need no acknowledgements."""

    def __init__(self) -> None:
        self._channel = NO_CHANNEL
        self._on_delivery: Callable[[Delivery], None]
        self._method: bytes | None = None
        self._header = b""
        self._body: list[bytes] = []
        self._missing = 0  # bytes of the body

    def consume(self, channel: int, on_delivery: Callable[[Delivery], None]) -> None:
        """Calls back with each message that is delivered to the channel from now on.

        One whose properties cannot be decoded is logged and dropped.
        """
        self._channel, self._on_delivery = channel, on_delivery

    def take(self, kind: int, channel: int, payload: bytes) -> bool:
        """Takes a frame; returns False when it is part of no delivery to the channel."""
        if channel != self._channel:
            return False
        if kind == FRAME_METHOD and payload.startswith(_DELIVER):
            self._method = payload
            return True
        if self._method is None:
            return False
        if kind == FRAME_HEADER:
            self._header, self._body = payload, []
            self._missing = _CONTENT_START.unpack_from(payload)[2]
        else:
            self._body.append(payload)
            self._missing -= len(payload)
        if not self._missing:
            method, self._method = self._method, None
            self._deliver(method)
        return True

    def _deliver(self, method: bytes) -> None:
        try:
            key = _routing_key(method)
            call_id, headers = _call_id_and_headers(self._header)
        except (ValueError, IndexError, struct.error) as error:  # depends on the sender's bytes
            log.error("message_properties_unreadable", error=f"{type(error).__name__}: {error}")
            return
        self._on_delivery(Delivery(key, call_id, headers, b"".join(self._body)))


def _routing_key(method: bytes) -> str:
    after_consumer = len(_DELIVER) + 1 + method[len(_DELIVER)]
    exchange = after_consumer + _TAG_AND_REDELIVERED
    key = exchange + 1 + method[exchange]
    return method[key + 1 : key + 1 + method[key]].decode()


def _call_id_and_headers(content: bytes) -> tuple[str, Mapping[str, Any]]:
    """Decodes the correlation id, and the headers where there are any; what follows them is not looked at."""
    flags = _CONTENT_START.unpack_from(content)[3]
    position = _CONTENT_START.size
    headers: Mapping[str, Any] = {}
    for name in ("content_type", "content_encoding"):
        if flags & _FLAGS[name]:
            position += 1 + content[position]
    if flags & _FLAGS["headers"]:
        length, headers = decode.field_table(content[position:])
        position += length
    for name in ("delivery_mode", "priority"):
        if flags & _FLAGS[name]:
            position += 1
    if not flags & _FLAGS["correlation_id"]:
        return "", headers
    return content[position + 1 : position + 1 + content[position]].decode(), headers


class DeliveryReader(asyncio.StreamReader):
    """Splits the stream into frames, and buffers those that are part of no delivery."""

    def __init__(self, deliveries: Deliveries, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop=loop)
        self._deliveries = deliveries
        self._clock = loop.time
        self._heartbeat_at = 0.0
        self._rest = b""  # the beginning of a frame

    def feed_data(self, data: Iterable[SupportsIndex]) -> None:
        """Takes what has arrived."""
        stream = self._rest + bytes(data)
        start, others = 0, []
        while start + _FRAME_START.size < len(stream):
            kind, channel, length = _FRAME_START.unpack_from(stream, start)
            payload_start = start + _FRAME_START.size
            end = payload_start + length
            if end >= len(stream):
                break
            is_whole = stream[end] == FRAME_END  # else aiormq closes the connection
            if not is_whole or not self._deliveries.take(kind, channel, stream[payload_start:end]):
                others.append(stream[start : end + 1])
            start = end + 1
        self._rest = stream[start:]
        super().feed_data(b"".join(others) or self._heartbeat())

    def feed_eof(self) -> None:
        """Ends the stream; a frame that was cut off is left to aiormq."""
        super().feed_data(self._rest)
        super().feed_eof()

    def _heartbeat(self) -> bytes:
        now = self._clock()
        if now < self._heartbeat_at:
            return b""
        self._heartbeat_at = now + HEARTBEAT_SECONDS
        return Heartbeat.value


class DeliveryTransport(TransportFactory):
    """Connects aiormq, over TCP or TLS, by a stream with such a reader."""

    def __init__(self, deliveries: Deliveries) -> None:
        self._deliveries = deliveries

    async def create(self, url: URL, **options: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Returns a new connection's streams. Raises: AMQPConnectionError."""
        tls = options.pop("ssl_context_provider")
        context = await tls.get_context() if url.scheme == "amqps" else None
        options |= {"host": url.host, "port": url.port, "ssl": context}
        loop = asyncio.get_running_loop()
        reader = DeliveryReader(self._deliveries, loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        try:
            transport, _ = await loop.create_connection(lambda: protocol, **options)
        except OSError as error:
            raise AMQPConnectionError(*error.args) from error
        return reader, asyncio.StreamWriter(transport, protocol, reader, loop)


class BrokerConnection(aio_pika.Connection):
    """aio_pika's connection, on which the deliveries to one channel can be consumed directly."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.deliveries = Deliveries()
        self.kwargs["transport_factory"] = DeliveryTransport(self.deliveries)
