"""AMQP 0-9-1 frames of the three methods that every message takes: publish, deliver and acknowledge.

py-amqp encodes and decodes everything else, header tables among it.
"""

from collections.abc import Mapping
from struct import Struct
from typing import Any

import structlog
from amqp import serialization

log = structlog.get_logger(__name__)

METHOD, HEADER, BODY = 1, 2, 3
DELIVER = b"\x00\x3c\x00\x3c"
FRAME_OVERHEAD = 8  # bytes of a frame around its payload

_FRAME = Struct(">BHI")
_CONTENT_HEADER = Struct(">HHQ")
_SHORT, _LONG_LONG = Struct(">H"), Struct(">Q")
_PUBLISH = b"\x00\x3c\x00\x28\x00\x00"
_ACK = Struct(">BHIIQBB")
_ACK_SIZE, _ACK_METHOD, _END = 13, 0x003C0050, 0xCE
# content-type, content-encoding, headers and delivery-mode, which every message of ours has
_OUR_CONTENT, _OUR_FLAGS = b"\x10application/json\x05utf-8", 0xF000
_SHORT_STRINGS = {"correlation_id": 0x0400, "reply_to": 0x0200, "expiration": 0x0100, "message_id": 0x0080}
_TIMESTAMP = 0x0040


def split(data: bytes) -> tuple[list[tuple[int, int, bytes]], bytes]:
    """Returns the complete frames (type, channel, payload) at the beginning of what was read, and the rest.

    Raises: ValueError when this is not AMQP.
    """
    frames, position, size = [], 0, len(data)
    while size - position >= FRAME_OVERHEAD:
        kind, channel, length = _FRAME.unpack_from(data, position)
        end = position + 7 + length
        if end >= size:
            break
        if data[end] != _END:
            raise ValueError("a frame without its end")
        frames.append((kind, channel, data[position + 7 : end]))
        position = end + 1
    return frames, data[position:] if position else data


def deliver_arguments(payload: bytes) -> tuple[str, tuple[int, bool, str]]:
    """Returns the consumer tag of a `basic.deliver`, and delivery tag, `redelivered` and routing key."""
    at = 5 + payload[4]
    tag = payload[5:at].decode()
    (number,) = _LONG_LONG.unpack_from(payload, at)
    key_at = at + 10 + payload[at + 9]
    key = payload[key_at + 1 : key_at + 1 + payload[key_at]].decode("utf-8", "surrogatepass")
    return tag, (number, bool(payload[at + 8]), key)


def content_header(payload: bytes) -> tuple[int, dict[str, Any], dict[Any, Any]]:
    """Returns the size of a message's body, its properties and its headers.

    Properties that cannot be read count as none: an error here would end every connection that is given
    the message, again and again.
    """
    (size,) = _LONG_LONG.unpack_from(payload, 4)
    try:
        properties, _ = serialization.decode_properties_basic(payload, 12)
    except Exception as error:  # whatever the properties hold
        log.error("message_properties_unreadable", error=str(error))
        return size, {}, {}
    return size, properties, properties.pop("application_headers", None) or {}


def publish(
    channel: int,
    frame_max: int,
    exchange: str,
    routing_key: str,
    body: bytes,
    headers: Mapping[str, Any],
    properties: Mapping[str, Any],
    mandatory: bool,
) -> bytes:
    """Returns the frames that publish one message."""
    method = b"".join((_PUBLISH, _short(exchange), _short(routing_key), b"\x01" if mandatory else b"\x00"))
    header = _CONTENT_HEADER.pack(60, 0, len(body)) + _properties(headers, properties)
    chunk = frame_max - FRAME_OVERHEAD
    parts = [_frame(METHOD, channel, method), _frame(HEADER, channel, header)]
    parts += [_frame(BODY, channel, body[at : at + chunk]) for at in range(0, len(body), chunk)]
    return b"".join(parts)


def ack(channel: int, delivery_tag: int) -> bytes:
    """Returns the frame that acknowledges one delivery."""
    return _ACK.pack(METHOD, channel, _ACK_SIZE, _ACK_METHOD, delivery_tag, 0, _END)


def _frame(kind: int, channel: int, payload: bytes) -> bytes:
    return b"%b%b\xce" % (_FRAME.pack(kind, channel, len(payload)), payload)


def _properties(headers: Mapping[str, Any], properties: Mapping[str, Any]) -> bytes:
    flags, table = _OUR_FLAGS, serialization.dumps("F", [headers])
    parts = [_OUR_CONTENT, table, bytes((properties["delivery_mode"],))]
    for name, flag in _SHORT_STRINGS.items():
        if (value := properties.get(name)) is not None:
            flags |= flag
            parts.append(_short(value))
    if (moment := properties.get("timestamp")) is not None:
        flags |= _TIMESTAMP
        parts.append(_LONG_LONG.pack(moment))
    return _SHORT.pack(flags) + b"".join(parts)


def _short(text: str) -> bytes:
    raw = text.encode("utf-8", "surrogatepass")
    return bytes((len(raw),)) + raw
