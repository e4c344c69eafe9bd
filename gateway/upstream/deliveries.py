"""Deliveries, decoded as soon as their bytes have arrived.

Replies to calls and live events are most of what the gateway receives. aiormq would read each of their three
frames with three waits, decode it with pamqp, wake the channel's reader for it, and start a task for the
message. Here the connection's stream hands a message over itself, and leaves all other frames to aiormq.
"""

import asyncio
import struct
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, SupportsIndex, cast

import aio_pika
import structlog
from aio_pika.abc import AbstractChannel
from aiormq.channel import Channel
from aiormq.connection import TransportFactory
from aiormq.exceptions import AMQPConnectionError
from pamqp import decode
from pamqp.commands import Basic
from pamqp.constants import FRAME_END, FRAME_HEADER, FRAME_METHOD
from pamqp.heartbeat import Heartbeat
from yarl import URL

log = structlog.get_logger(__name__)

# aiormq takes a connection for dead on which it sees nothing, and the broker sends heartbeats to an idle
# connection only. So once in a while a heartbeat stands for the deliveries.
HEARTBEAT_SECONDS = 1.0
_FRAME_START = struct.Struct(">BHI")  # type, channel, length
_CONTENT_START = struct.Struct(">HHQH")  # class, weight, length of the body, flags
_DELIVER = struct.pack(">I", Basic.Deliver.index)
_TAG_AND_REDELIVERED = 9  # bytes
_FLAGS = Basic.Properties.flags


class Delivery(NamedTuple):
    """A message, and what the gateway needs of its properties."""

    routing_key: str
    correlation_id: str
    headers: Mapping[str, Any]
    body: bytes


OnDelivery = Callable[[Delivery], None]


class ChannelDeliveries:
    """Puts the frames of each delivery to one channel together.

    A message whose properties cannot be decoded is logged and dropped.
    """

    def __init__(self, on_delivery: OnDelivery) -> None:
        self._on_delivery = on_delivery
        self._method: bytes | None = None
        self._header = b""
        self._body: list[bytes] = []
        self._missing = 0  # bytes of the body

    def take(self, kind: int, payload: bytes) -> bool:
        """Takes a frame; returns False when it is part of no delivery."""
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
        try:
            self._on_delivery(Delivery(key, call_id, headers, b"".join(self._body)))
        except Exception:  # one message must not end the connection
            log.exception("delivery_failed", routing_key=key)


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


Channels = Mapping[int, ChannelDeliveries]


class DeliveryReader(asyncio.StreamReader):
    """Splits the stream into frames, and buffers those that are part of no delivery."""

    def __init__(self, channels: Channels, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop=loop)
        self._channels = channels
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
            deliveries = self._channels.get(channel)
            is_whole = stream[end] == FRAME_END  # else aiormq closes the connection
            if not (deliveries and is_whole and deliveries.take(kind, stream[payload_start:end])):
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

    def __init__(self, channels: Channels) -> None:
        self._channels = channels

    async def create(self, url: URL, **options: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Returns a new connection's streams. Raises: AMQPConnectionError."""
        tls = options.pop("ssl_context_provider")
        context = await tls.get_context() if url.scheme == "amqps" else None
        options |= {"host": url.host, "port": url.port, "ssl": context}
        loop = asyncio.get_running_loop()
        reader = DeliveryReader(self._channels, loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        try:
            transport, _ = await loop.create_connection(lambda: protocol, **options)
        except OSError as error:
            raise AMQPConnectionError(*error.args) from error
        return reader, asyncio.StreamWriter(transport, protocol, reader, loop)


class BrokerConnection(aio_pika.Connection):
    """aio_pika's connection, whose deliveries are consumed by `consume`."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._deliveries: dict[int, ChannelDeliveries] = {}
        self.kwargs["transport_factory"] = DeliveryTransport(self._deliveries)

    async def consume(
        self,
        channel: AbstractChannel,
        queue: str,
        on_delivery: OnDelivery,
        on_cancelled: Callable[[], None] = lambda: None,
    ) -> Channel:
        """Calls back with each message of a queue, which the broker counts as acknowledged.

        A channel has one consumer. `on_cancelled` is called when the broker ends it, for example because the
        queue was deleted. Returns aiormq's part of the channel.
        """
        underlay = cast(Channel, await channel.get_underlay_channel())
        self._deliveries[underlay.number] = ChannelDeliveries(on_delivery)
        underlay.on_consumer_cancel_callbacks.add(lambda _: on_cancelled())
        await underlay.basic_consume(queue, _refuse, no_ack=True)
        return underlay


async def _refuse(_: object) -> None:
    raise TypeError("a delivery was not taken out of the stream")
