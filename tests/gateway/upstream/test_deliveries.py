"""Deliveries are taken out of the stream however it is cut; aiormq sees everything else."""

import asyncio
import itertools
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from pamqp import frame
from pamqp.body import ContentBody
from pamqp.commands import Basic, Queue
from pamqp.header import ContentHeader
from pamqp.heartbeat import Heartbeat

from gateway.upstream.deliveries import ChannelDeliveries, Delivery, DeliveryReader

CHANNEL, OTHER = 1, 2
KEY, CALL_ID = "reply.orders.gateway-1", "c" * 32
DELIVER = Basic.Deliver(consumer_tag="ctag1", delivery_tag=7, exchange="x.nameko-rpc", routing_key=KEY)
RETURN = Basic.Return(reply_code=312, reply_text="NO_ROUTE", exchange="x", routing_key="orders.get_order")
OK = Queue.DeclareOk(queue="q", message_count=0, consumer_count=1)


def marshalled(frames: Iterable[Any], channel: int = CHANNEL) -> bytes:
    return b"".join(frame.marshal(part, channel) for part in frames)


def content(*parts: bytes, **properties: Any) -> list[Any]:
    header = ContentHeader(body_size=sum(map(len, parts)), properties=Basic.Properties(**properties))
    return [header, *map(ContentBody, parts)]


def reply(*parts: bytes, **properties: Any) -> bytes:
    return marshalled([DELIVER, *content(*parts, **{"correlation_id": CALL_ID, **properties})])


def read(pieces: Iterable[bytes], now: Callable[[], float] = lambda: 0.0) -> tuple[list[Delivery], bytes]:
    """Returns what is delivered, and the bytes that are left to aiormq."""

    async def run() -> tuple[list[Delivery], bytes]:
        delivered: list[Delivery] = []
        reader = DeliveryReader({CHANNEL: ChannelDeliveries(delivered.append)}, asyncio.get_running_loop())
        reader._clock, reader._heartbeat_at = now, 1.0
        for piece in pieces:
            reader.feed_data(piece)
        reader.feed_eof()
        return delivered, await reader.read()

    return asyncio.run(run())


EVERY_PROPERTY = {
    "content_type": "application/json",
    "content_encoding": "utf-8",
    "delivery_mode": 1,
    "priority": 3,
    "reply_to": "r",
    "expiration": "5000",
    "message_id": "m",
    "message_type": "t",
    "user_id": "u",
    "app_id": "a",
}


@pytest.mark.parametrize("properties", [{}, EVERY_PROPERTY, *({n: v} for n, v in EVERY_PROPERTY.items())])
@pytest.mark.parametrize("headers", [None, {}, {"x-death": [{"queue": "q"}], "n": 1}])
def test_a_delivery_is_decoded_whatever_its_properties(properties: Any, headers: Any) -> None:
    delivered, rest = read([reply(b"{}", headers=headers, **properties)])
    assert delivered == [Delivery(KEY, CALL_ID, headers or {}, b"{}")]
    assert rest == b""


@pytest.mark.parametrize("parts", [(), (b"a",), (b"a" * 100, b"b" * 100, b"c")])
def test_its_body_has_any_number_of_frames(parts: tuple[bytes, ...]) -> None:
    assert read([reply(*parts)]) == ([Delivery(KEY, CALL_ID, {}, b"".join(parts))], b"")


def test_the_stream_may_be_cut_anywhere() -> None:
    other = marshalled([OK], OTHER) + marshalled([DELIVER, *content(b"event")], OTHER)
    returned = marshalled([RETURN, *content(b"call", correlation_id="d")])
    stream = reply(b"1", b"2") + other + returned + reply(b"3")
    expected = ([Delivery(KEY, CALL_ID, {}, b"12"), Delivery(KEY, CALL_ID, {}, b"3")], other + returned)
    assert read([stream]) == expected
    assert read(bytes([byte]) for byte in stream) == expected
    for cut in range(len(stream)):
        assert read([stream[:cut], stream[cut:]]) == expected


def test_frames_of_other_channels_may_come_between_those_of_a_delivery() -> None:
    first, second, third = DELIVER, *content(b"1", correlation_id=CALL_ID)
    between = marshalled([DELIVER, *content(b"event")], OTHER) + Heartbeat.value
    stream = between.join(marshalled([part]) for part in (first, second, third))
    assert read([stream]) == ([Delivery(KEY, CALL_ID, {}, b"1")], between * 2)


@pytest.mark.parametrize(
    ("good", "bad"),
    [(b"c" * 32, b"\xff" * 32), (b"\x05x-yzzS", b"\x05x-yzz\x00"), (b"reply.orders", b"\xffeply.orders")],
    ids=["correlation id", "headers", "routing key"],
)
def test_one_that_cannot_be_decoded_is_dropped_and_the_next_is_delivered(good: bytes, bad: bytes) -> None:
    stream = reply(b"1", headers={"x-yzz": "value"})
    assert stream.count(good) == 1
    delivered, rest = read([stream.replace(good, bad) + reply(b"2")])
    assert ([one.body for one in delivered], rest) == ([b"2"], b"")


def test_without_a_correlation_id_it_is_delivered_with_an_empty_one() -> None:
    assert read([reply(b"1", correlation_id=None)])[0] == [Delivery(KEY, "", {}, b"1")]


@pytest.mark.parametrize("stream", [b"AMQP\x00\x00\x09\x01", reply(b"1")[:-1], reply(b"1")[:-1] + b"\x00"])
def test_what_is_no_frame_is_left_to_aiormq(stream: bytes) -> None:
    delivered, rest = read([stream])
    assert delivered == []
    assert stream.endswith(rest) and rest


def test_channels_with_consumers_may_be_mixed_frame_by_frame() -> None:
    first = [DELIVER, *content(b"1", correlation_id=CALL_ID)]
    second = [DELIVER, *content(b"2", b"3")]
    delivered: dict[int, list[bytes]] = {CHANNEL: [], OTHER: []}

    async def run() -> None:
        def consumer(channel: int) -> ChannelDeliveries:
            return ChannelDeliveries(lambda delivery: delivered[channel].append(delivery.body))

        channels = {channel: consumer(channel) for channel in delivered}
        reader = DeliveryReader(channels, asyncio.get_running_loop())
        for part in itertools.zip_longest(first, second):
            for channel, frames in zip((CHANNEL, OTHER), part, strict=True):
                reader.feed_data(marshalled([frames] if frames else [], channel))

    asyncio.run(run())
    assert delivered == {CHANNEL: [b"1"], OTHER: [b"23"]}


def test_a_consumer_that_fails_does_not_end_the_connection() -> None:
    seen: list[bytes] = []

    def fail(delivery: Delivery) -> None:
        seen.append(delivery.body)
        raise RuntimeError("no")

    async def run() -> None:
        reader = DeliveryReader({CHANNEL: ChannelDeliveries(fail)}, asyncio.get_running_loop())
        reader.feed_data(reply(b"1") + reply(b"2"))

    asyncio.run(run())
    assert seen == [b"1", b"2"]


def test_a_heartbeat_stands_for_deliveries_once_a_second() -> None:
    times = iter([0.5, 1.0, 1.5, 1.99, 2.0, 2.5])
    assert read([reply(b"1")] * 6, lambda: next(times))[1] == Heartbeat.value * 2
