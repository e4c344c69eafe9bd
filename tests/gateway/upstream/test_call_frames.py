"""The frames of a call are those that pamqp makes."""

from typing import Any

import pytest
from pamqp import frame
from pamqp.body import ContentBody
from pamqp.commands import Basic
from pamqp.header import ContentHeader

from gateway.upstream.call_frames import CallFrames

CHANNEL = 3
FRAME_MAX = 4096  # the smallest that AMQP allows
FRAME_BYTES = 8
FULL = FRAME_MAX - FRAME_BYTES
HEADERS = {"nameko.request_id": "r1", "nameko.address": "Köln", "nameko.access_token": "t" * 70_000}
FRAMES = CallFrames(CHANNEL, FRAME_MAX, "x.nameko-rpc", "5000")


def by_pamqp(body: bytes) -> bytes:
    properties = Basic.Properties(
        content_type="application/json",
        content_encoding="utf-8",
        delivery_mode=1,
        expiration="5000",
        correlation_id="c" * 32,
        reply_to="reply.orders.gateway-1",
        headers=dict(sorted(HEADERS.items())),
    )
    method = Basic.Publish(exchange="x.nameko-rpc", routing_key="orders.get_order", mandatory=True)
    parts = [ContentBody(body[start : start + FULL]) for start in range(0, len(body), FULL)]
    whole: list[Any] = [method, ContentHeader(body_size=len(body), properties=properties), *parts]
    return b"".join(frame.marshal(part, CHANNEL) for part in whole)


@pytest.mark.parametrize("length", [0, 1, FULL - 1, FULL, FULL + 1, 5 * FULL])
def test_they_are_those_that_pamqp_makes(length: int) -> None:
    body = bytes(range(256)) * (length // 256 + 1)
    headers = dict(sorted(HEADERS.items()))
    for _ in range(2):  # the second time from what was encoded before
        sent = FRAMES.encode("orders.get_order", headers, "c" * 32, "reply.orders.gateway-1", body[:length])
        assert sent == by_pamqp(body[:length])


def test_no_frame_is_longer_than_was_agreed() -> None:
    sent = FRAMES.encode("orders.get_order", {}, "c", "r", b"x" * 3 * FRAME_MAX)
    while sent:
        length, channel, _ = frame.unmarshal(sent)
        assert (length <= FRAME_MAX, channel) == (True, CHANNEL)
        sent = sent[length:]
