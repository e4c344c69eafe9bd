import json
import uuid
from collections.abc import Callable
from contextlib import closing
from types import SimpleNamespace
from typing import Any

import amqp
import pytest
from amqp.exceptions import RecoverableConnectionError

from chassis.amqp import connection as broker
from chassis.amqp import topology
from chassis.amqp.connection import Link
from kit.errors import Unavailable
from kit.settings import Settings
from tests.chassis import echo_contract as contract
from tests.chassis.conftest import Echo
from tests.support.network import Network
from tests.support.servers import broker_connection, eventually

CALLS = 60
SHORT_PACKET_BYTES, SHORT_PACKET_SECONDS = 1400, 0.001


class Channel:
    """A broker that delivers while it is still being asked for consumers."""

    def __init__(self) -> None:
        self.acknowledged: list[int] = []
        self.given_back: list[int] = []
        self.deliver: Callable[[Any], None]
        self.published: list[str] = []
        self.is_closed = False

    def basic_qos(self, *_: Any) -> None: ...

    def basic_consume(self, queue: str, callback: Callable[[Any], None], **_: Any) -> None:
        self.deliver = callback
        callback(SimpleNamespace(channel=self, delivery_tag=1, body=queue))

    def basic_cancel(self, *_: Any, **__: Any) -> None: ...

    def basic_reject(self, tag: int, requeue: bool) -> None:
        assert requeue
        self.given_back.append(tag)

    def message_to_python(self, raw: Any) -> Any:
        return raw

    def basic_ack(self, tag: int) -> None:
        self.acknowledged.append(tag)

    def prepare_message(self, body: str, **_: Any) -> str:
        return body

    def basic_publish(self, message: str, *_: Any) -> None:
        if self.is_closed:
            raise RecoverableConnectionError("basic_publish: connection closed")
        self.published.append(message)


class Connected:
    """One session of a link on such a channel; it lasts until the link first waits for something."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.channel = Channel()
        self.link = Link(Settings(), "test")
        self.meanwhile: Callable[[], None] = lambda: None
        self.closed: list[str] = []
        self.checks: list[int] = []
        self.connection = made = SimpleNamespace(
            connect=lambda: None,
            connection=SimpleNamespace(client_properties={"capabilities": {}}),
            channel=lambda: self.channel,
            drain_events=self._wait,
            heartbeat_check=lambda: self.checks.append(len(self.closed)),
            release=lambda: self.closed.append("goodbye"),
            collect=lambda: self.closed.append("cut"),
        )
        monkeypatch.setattr(broker, "Connection", lambda *_, **__: made)

    def _wait(self, timeout: float) -> None:
        self.meanwhile()
        self.link._stopping = True


def test_what_arrives_before_the_last_consumer_is_installed_is_acknowledged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = Connected(monkeypatch)
    for queue in ("first", "second"):
        world.link.consume(queue, world.link.ack, prefetch=1)
    world.link.run()
    assert world.channel.acknowledged == [1, 1]


def test_what_arrives_after_the_last_message_was_asked_for_goes_back_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = Connected(monkeypatch)
    world.link.consume("queue", world.link.ack, prefetch=1)

    def meanwhile() -> None:
        world.link.cancel()
        world.channel.deliver(SimpleNamespace(channel=world.channel, delivery_tag=2, body="late"))

    world.meanwhile = meanwhile
    world.link.run()
    assert (world.channel.acknowledged, world.channel.given_back) == ([1], [2])


def test_heartbeats_are_seen_to_however_much_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    world = Connected(monkeypatch)
    pieces = iter(range(3))

    def arrive() -> None:
        world.link._stopping = next(pieces) == 2

    world.connection.drain_events = lambda timeout: arrive()
    world.link.run()
    assert len(world.checks) == 3


def test_only_a_connection_that_ends_on_purpose_says_goodbye(monkeypatch: pytest.MonkeyPatch) -> None:
    world = Connected(monkeypatch)

    def lost_once() -> None:
        if not world.closed:
            raise OSError("connection reset")

    world.meanwhile = lost_once
    world.link.run()
    assert world.closed == ["cut", "goodbye", "cut"]


def test_answers_are_written_while_the_broker_takes_no_new_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    world = Connected(monkeypatch)

    def meanwhile() -> None:
        world.link._on_blocked("memory")
        with pytest.raises(Unavailable):
            world.link.publish("exchange", "call", {}, {})
        world.link.publish("exchange", "answer", "the answer", {}, waits=True)

    world.meanwhile = meanwhile
    world.link.run()
    assert world.channel.published == ["the answer"]


def test_a_connection_closed_under_a_worker_is_unavailable_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    world = Connected(monkeypatch)

    def meanwhile() -> None:
        world.channel.is_closed = True
        world.link._loop = None  # what a worker sees: the loop is another greenlet
        with pytest.raises(Unavailable):
            world.link.publish("exchange", "answer", {}, {})

    world.meanwhile = meanwhile
    world.link.run()


def _answers_to_many_calls_at_once(settings: Settings, text: str) -> set[str]:
    """The correlation ids that were answered."""
    with closing(broker_connection(settings.amqp_url)) as connection:
        channel, address = connection.channel(), f"reply.test-{uuid.uuid4()}"
        exchange = topology.rpc_exchange(settings)
        queue = channel.queue_declare("", exclusive=True).queue
        channel.queue_bind(queue, exchange, address)
        body = json.dumps({"args": [], "kwargs": {"text": text}})
        for number in range(CALLS):
            call = amqp.Message(body, reply_to=address, correlation_id=str(number))
            channel.basic_publish(call, exchange, contract.ECHO.routing_key)
        answered: set[str] = set()

        def all_answered() -> bool:
            while (reply := channel.basic_get(queue, no_ack=True)) is not None:
                answered.add(reply.properties["correlation_id"])
            return len(answered) == CALLS

        eventually(all_answered, 20, f"{CALLS} answers")
        return answered


@pytest.mark.servers
def test_answering_never_takes_pieces_of_what_is_just_being_read(echo: Echo) -> None:
    echo.kill()
    with Network(echo.settings.amqp_url, piece_bytes=SHORT_PACKET_BYTES) as network:
        network.delay(SHORT_PACKET_SECONDS)
        echo.start(AMQP_URL=network.url(echo.settings.amqp_url))
        assert len(_answers_to_many_calls_at_once(echo.settings, "x" * 20_000)) == CALLS
        assert b"broker_lost" not in echo.log.read_bytes()
        echo.kill()
