"""The AMQP frames of a call, encoded here because calls are most of what the gateway sends.

pamqp looks up the type of every property by its name for each message. What all calls of a connection have in
common is encoded once here.
"""

import struct
from collections.abc import Mapping

from pamqp import encode, frame
from pamqp.commands import Basic
from pamqp.constants import FRAME_BODY, FRAME_END_CHAR, FRAME_HEADER

TRANSIENT = b"\x01"
# The properties that a call has, in the order in which they follow.
PROPERTIES = (
    "content_type",
    "content_encoding",
    "headers",
    "delivery_mode",
    "correlation_id",
    "reply_to",
    "expiration",
)
_FLAGS = sum(Basic.Properties.flags[name] for name in PROPERTIES)
_FRAME_START = struct.Struct(">BHI")  # type, channel, length
_CONTENT_START = struct.Struct(">HHQH")  # class, weight, length of the body, flags
_LONG_STRING = struct.Struct(">cI")
_LENGTH = struct.Struct(">I")
_FRAME_BYTES = _FRAME_START.size + len(FRAME_END_CHAR)


class CallFrames:
    """Encodes calls for one channel: JSON, transient, mandatory, with headers that are texts."""

    def __init__(self, channel: int, frame_max: int, exchange: str, expiration: str) -> None:
        self._channel = channel
        self._max_body_bytes = frame_max - _FRAME_BYTES
        self._exchange = exchange
        self._json = encode.short_string("application/json") + encode.short_string("utf-8")
        self._expiration = encode.short_string(expiration)
        self._publish: dict[str, bytes] = {}  # by routing keys: the methods of the contracts

    def encode(
        self, routing_key: str, headers: Mapping[str, str], call_id: str, reply_to: str, body: bytes
    ) -> bytes:
        """Returns the frames of one call, to be sent together."""
        properties = (
            _CONTENT_START.pack(Basic.frame_id, 0, len(body), _FLAGS),
            self._json,
            _table(headers),
            TRANSIENT,
            encode.short_string(call_id),
            encode.short_string(reply_to),
            self._expiration,
        )
        frames = [self._publish_frame(routing_key), self._frame(FRAME_HEADER, b"".join(properties))]
        for start in range(0, len(body), self._max_body_bytes):
            frames.append(self._frame(FRAME_BODY, body[start : start + self._max_body_bytes]))
        return b"".join(frames)

    def _publish_frame(self, routing_key: str) -> bytes:
        encoded = self._publish.get(routing_key)
        if encoded is None:
            method = Basic.Publish(exchange=self._exchange, routing_key=routing_key, mandatory=True)
            encoded = self._publish[routing_key] = frame.marshal(method, self._channel)
        return encoded

    def _frame(self, kind: int, payload: bytes) -> bytes:
        return _FRAME_START.pack(kind, self._channel, len(payload)) + payload + FRAME_END_CHAR


def _table(fields: Mapping[str, str]) -> bytes:
    encoded = b"".join([encode.short_string(name) + _long_string(text) for name, text in fields.items()])
    return _LENGTH.pack(len(encoded)) + encoded


def _long_string(text: str) -> bytes:
    encoded = text.encode()
    return _LONG_STRING.pack(b"S", len(encoded)) + encoded
