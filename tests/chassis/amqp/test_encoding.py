"""Frames of our own are those that py-amqp would write and read."""

from types import SimpleNamespace
from typing import Any

import amqp
import pytest
from amqp import method_framing, serialization

from chassis.amqp import encoding

HEADERS = {"nameko.request_id": "a" * 32, "nameko.deadline_ms": 4_500, "of nothing": None, "öl": "\u20ac"}
PROPERTIES = {
    "delivery_mode": 1,
    "correlation_id": "c" * 32,
    "reply_to": "reply.orders.x",
    "expiration": "50",
}
FRAME_MAX = 4_096


def published_by_py_amqp(body: bytes, headers: dict[str, Any], properties: dict[str, Any]) -> bytes:
    written: list[bytes] = []
    connection = SimpleNamespace(frame_max=FRAME_MAX, bytes_sent=0)
    transport = SimpleNamespace(write=lambda data: written.append(bytes(data)))
    message = amqp.Message(
        body,
        content_type="application/json",
        content_encoding="utf-8",
        application_headers=headers,
        **properties,
    )
    arguments = serialization.dumps("Bssbb", (0, "exchange", "orders.get_order", True, False))
    method_framing.frame_writer(connection, transport)(1, 7, (60, 40), arguments, message)
    return b"".join(written)


@pytest.mark.parametrize("size", [0, 1, 3_000, FRAME_MAX - 8, FRAME_MAX, 50_000])
@pytest.mark.parametrize("headers", [{}, HEADERS])
@pytest.mark.parametrize(
    "properties", [{"delivery_mode": 2}, PROPERTIES, {"delivery_mode": 2, "message_id": "m", "timestamp": 1}]
)
def test_a_message_is_written_as_py_amqp_writes_it(
    size: int, headers: dict[str, Any], properties: dict[str, Any]
) -> None:
    body = b"x" * size
    own = encoding.publish(7, FRAME_MAX, "exchange", "orders.get_order", body, headers, properties, True)
    assert own == published_by_py_amqp(body, headers, properties)


def test_an_acknowledgement_is_written_as_py_amqp_writes_it() -> None:
    payload = b"\x00\x3c\x00\x50" + serialization.dumps("Lb", (2**40, False))
    assert encoding.split(encoding.ack(7, 2**40)) == ([(1, 7, payload)], b"")


def test_frames_are_read_wherever_a_read_ends() -> None:
    written = encoding.publish(7, FRAME_MAX, "e", "k", b"x" * 9_000, HEADERS, PROPERTIES, False)
    whole, rest = encoding.split(written)
    assert (len(whole), rest) == (5, b"")
    for end in range(0, len(written), 7):
        first, unread = encoding.split(written[:end])
        second, rest = encoding.split(unread + written[end:])
        assert (first + second, rest) == (whole, b"")


def test_what_is_no_frame_ends_the_connection() -> None:
    with pytest.raises(ValueError, match="without its end"):
        encoding.split(encoding.ack(7, 1)[:-1] + b"\x00")


def test_the_header_of_a_message_is_read() -> None:
    frames, _ = encoding.split(encoding.publish(7, FRAME_MAX, "e", "k", b"{}", HEADERS, PROPERTIES, False))
    size, properties, headers = encoding.content_header(frames[1][2])
    assert (size, headers) == (2, HEADERS)
    assert properties.items() >= PROPERTIES.items()


def test_properties_that_cannot_be_read_count_as_none() -> None:
    broken = b"\x00\x3c\x00\x00" + (2).to_bytes(8, "big") + b"\x04\x00" + b"\x09\xff\xfe"
    assert encoding.content_header(broken) == (2, {}, {})
