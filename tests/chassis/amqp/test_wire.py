"""Reading and writing one connection's messages."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import eventlet
import pytest
from amqp.exceptions import RecoverableConnectionError
from kombu import Connection

from chassis.amqp import encoding
from chassis.amqp.wire import Delivery, Message, SocketWire
from kit.settings import Settings
from tests.support.servers import eventually

CHANNEL = SimpleNamespace(channel_id=1)
MESSAGE = Message("", "queue", b"x" * 50_000, {}, {"delivery_mode": 1})


class Transport:
    """py-amqp's transport on a socket that takes a thousand bytes at a time."""

    connected = True

    def __init__(self) -> None:
        self.sent = b""
        self.arriving: list[bytes] = []
        self._read_buffer = b""

    def write(self, data: bytes) -> None:
        for at in range(0, len(data), 1000):
            self.sent += data[at : at + 1000]
            eventlet.sleep(0)

    @contextmanager
    def having_timeout(self, _seconds: float) -> Iterator[Any]:
        yield SimpleNamespace(recv=lambda _size: self.arriving.pop(0))


class Opened:
    """A wire that py-amqp has opened, with one consumer."""

    def __init__(self) -> None:
        self.delivered: list[Delivery] = []
        self.others: list[Any] = []
        self.transport = Transport()
        self.wire = SocketWire()
        channel = SimpleNamespace(callbacks={"queue": self.delivered.append})
        self.connection = SimpleNamespace(frame_max=4096, bytes_sent=0, bytes_recv=0, channels={1: channel})
        options: dict[str, Callable[..., Any]] = self.wire.options
        options["frame_handler"](self.connection, lambda *method: self.others.append(method))
        self.write_method = options["frame_writer"](self.connection, self.transport)


def delivered_frames(tag: int, body: bytes) -> bytes:
    """What a broker sends to deliver a message."""
    published = encoding.publish(1, 4096, "", "key", body, {"a": "b"}, {"delivery_mode": 1}, False)
    _, *content = encoding.split(published)[0]
    method = encoding.DELIVER + b"\x05queue" + tag.to_bytes(8, "big") + b"\x00\x00\x03key"
    frames = [(encoding.METHOD, 1, method), *content]
    return b"".join(
        bytes((kind,)) + channel.to_bytes(2, "big") + len(payload).to_bytes(4, "big") + payload + b"\xce"
        for kind, channel, payload in frames
    )


def test_one_read_takes_all_that_has_arrived_and_keeps_the_rest() -> None:
    opened = Opened()
    written = b"".join(delivered_frames(tag, b"x" * tag * 3000) for tag in (1, 2, 3))
    opened.transport.arriving = [written[:15_000], written[15_000:]]
    opened.wire.read(1)
    assert [d.delivery_tag for d in opened.delivered] == [1, 2]
    opened.wire.read(1)
    assert [(d.delivery_tag, len(d.body), d.routing_key, d.headers) for d in opened.delivered] == [
        (tag, tag * 3000, "key", {"a": "b"}) for tag in (1, 2, 3)
    ]


def test_a_message_without_a_body_is_delivered() -> None:
    opened = Opened()
    opened.transport.arriving = [delivered_frames(1, b"")]
    opened.wire.read(1)
    assert [d.body for d in opened.delivered] == [b""]


def test_other_methods_are_left_to_py_amqp() -> None:
    opened = Opened()
    opened.transport.arriving = [encoding.ack(1, 9) + delivered_frames(1, b"{}")]
    opened.wire.read(1)
    assert ([method[1] for method in opened.others], len(opened.delivered)) == ([(60, 80)], 1)


def test_writes_are_never_interleaved() -> None:
    opened = Opened()
    writers = [eventlet.spawn(opened.wire.publish, CHANNEL, MESSAGE, tag) for tag in (1, 2)]
    writers.append(eventlet.spawn(opened.write_method, 8, 0, None, None, None))  # a heartbeat
    for writer in writers:
        writer.wait()
    frames, rest = encoding.split(opened.transport.sent)
    assert (len(frames), rest) == (2 * (2 + 13 + 1) + 1, b"")
    kinds = [kind for kind, _, _ in frames]
    assert kinds[:16] == kinds[16:32] == [1, 2, *[3] * 13, 1]


def test_a_closed_connection_takes_no_message() -> None:
    opened = Opened()
    opened.transport.connected = False
    with pytest.raises(RecoverableConnectionError):
        opened.wire.publish(CHANNEL, MESSAGE)


def test_a_connection_that_ends_is_noticed() -> None:
    opened = Opened()
    opened.transport.arriving = [b""]
    with pytest.raises(OSError, match="closed"):
        opened.wire.read(1)


@pytest.mark.servers
def test_the_broker_and_py_amqp_understand_it(servers: Settings) -> None:
    wire = SocketWire()
    received: list[Delivery] = []
    with Connection(servers.amqp_url, transport_options=wire.options) as connection:
        channel = connection.channel()
        queue = channel.queue_declare("", exclusive=True, auto_delete=False).queue
        channel.basic_consume(queue, callback=received.append, consumer_tag="own")
        for number in range(3):
            body = b"%d" % number * 200_000
            message = Message(
                "", queue, body, {"n": "1"}, {"delivery_mode": 1, "correlation_id": str(number)}
            )
            wire.publish(channel, message)

        def all_arrived() -> bool:
            wire.read(5)
            return len(received) == 3

        eventually(all_arrived, 20, "three messages")
        for delivery in received:
            wire.ack(channel, delivery.delivery_tag)
        assert [len(d.body) for d in received] == [200_000] * 3
        assert [d.properties["correlation_id"] for d in received] == ["0", "1", "2"]
        channel.basic_cancel("own")  # py-amqp reads on where the wire stopped
        assert channel.queue_declare(queue, passive=True).message_count == 0
