import json
import uuid
from collections.abc import Callable
from contextlib import closing
from types import SimpleNamespace
from typing import Any

import amqp
import pytest
from amqp.exceptions import RecoverableConnectionError

from chassis.amqp import connection, topology
from chassis.amqp.connection import AmqpConnection
from kit.errors import Unavailable
from kit.settings import Settings
from tests.chassis import echo_contract as contract
from tests.chassis.conftest import Echo
from tests.support.network import Network
from tests.support.servers import broker_connection, eventually

CALLS = 60
SHORT_PACKET_BYTES, SHORT_PACKET_SECONDS = 1400, 0.001


def message(tag: int, body: str) -> Any:
    info = {"routing_key": "any", "redelivered": False}
    return SimpleNamespace(delivery_tag=tag, body=body, properties={}, delivery_info=info)


class Channel:
    """A broker that delivers while it is still being asked for consumers."""

    def __init__(self) -> None:
        self.acknowledged: list[int] = []
        self.given_back: list[int] = []
        self.deliver: Callable[[Any], None]
        self.published: list[bytes] = []
        self.is_closed = False

    def basic_qos(self, *_: Any) -> None: ...

    def basic_consume(self, queue: str, callback: Callable[[Any], None], **_: Any) -> None:
        self.deliver = callback
        callback(message(1, queue))

    def basic_cancel(self, *_: Any, **__: Any) -> None: ...

    def basic_reject(self, tag: int, requeue: bool) -> None:
        assert requeue
        self.given_back.append(tag)

    def basic_ack(self, tag: int) -> None:
        self.acknowledged.append(tag)

    def prepare_message(self, body: bytes, **_: Any) -> bytes:
        return body

    def basic_publish(self, message: bytes, *_: Any) -> None:
        if self.is_closed:
            raise RecoverableConnectionError("basic_publish: connection closed")
        self.published.append(message)


class OneSession:
    """One session on such a channel; it lasts until the connection first waits for a message."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.channel = Channel()
        self.amqp = AmqpConnection(Settings(), "test")
        self.meanwhile: Callable[[], None] = lambda: None
        self.closed: list[str] = []
        self.checks: list[int] = []
        self.connection = made = SimpleNamespace(
            connect=lambda: None,
            channel=lambda: self.channel,
            drain_events=self._wait,
            heartbeat_check=lambda: self.checks.append(len(self.closed)),
            release=lambda: self.closed.append("released"),
            collect=lambda: self.closed.append("collected"),
        )
        monkeypatch.setattr(connection, "Connection", lambda *_, **__: made)

    def _wait(self, timeout: float) -> None:
        self.meanwhile()
        self.amqp._stopping = True


def test_what_arrives_before_the_last_consumer_is_installed_is_acknowledged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session = OneSession(monkeypatch)
    for queue in ("first", "second"):
        session.amqp.consume(queue, session.amqp.ack, prefetch=1)
    session.amqp.run()
    assert session.channel.acknowledged == [1, 1]


def test_what_arrives_after_the_last_message_was_asked_for_goes_back_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session = OneSession(monkeypatch)
    session.amqp.consume("queue", session.amqp.ack, prefetch=1)

    def meanwhile() -> None:
        session.amqp.cancel()
        session.channel.deliver(message(2, "late"))

    session.meanwhile = meanwhile
    session.amqp.run()
    assert (session.channel.acknowledged, session.channel.given_back) == ([1], [2])


def test_heartbeats_are_seen_to_however_much_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEARTBEAT_CHECK_SECONDS", 0)
    session = OneSession(monkeypatch)
    pieces = iter(range(3))

    def arrive() -> None:
        session.amqp._stopping = next(pieces) == 2

    session.connection.drain_events = lambda timeout: arrive()
    session.amqp.run()
    assert len(session.checks) == 3


def test_only_a_connection_that_ends_on_purpose_is_released(monkeypatch: pytest.MonkeyPatch) -> None:
    session = OneSession(monkeypatch)

    def lost_once() -> None:
        if not session.closed:
            raise OSError("connection reset")

    session.meanwhile = lost_once
    session.amqp.run()
    assert session.closed == ["collected", "released", "collected"]


def test_answers_are_written_while_the_broker_takes_no_new_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    session = OneSession(monkeypatch)

    def meanwhile() -> None:
        session.amqp._on_blocked("memory")
        with pytest.raises(Unavailable):
            session.amqp.publish("exchange", "call", {}, {})
        session.amqp.publish("exchange", "answer", "the answer", {}, even_if_blocked=True)

    session.meanwhile = meanwhile
    session.amqp.run()
    assert session.channel.published == [b"the answer"]


def test_a_connection_closed_under_a_worker_is_unavailable_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    session = OneSession(monkeypatch)

    def meanwhile() -> None:
        session.channel.is_closed = True
        session.amqp._loop = None  # what a worker sees: the loop is another greenlet
        with pytest.raises(Unavailable):
            session.amqp.publish("exchange", "answer", {}, {})

    session.meanwhile = meanwhile
    session.amqp.run()


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
        assert b"broker_connection_lost" not in echo.log.read_bytes()
        echo.kill()
