"""The in-process broker keeps RabbitMQ's manners: each promise runs on both."""

import os
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import eventlet
import pytest
from amqp.exceptions import NotFound, PreconditionFailed, ResourceLocked
from kombu import Connection, Queue
from kombu.transport import TRANSPORT_ALIASES

from embedded.broker import transport

AMQP_URL = os.environ.get("AMQP_URL", "amqp://guest:guest@127.0.0.1:5672//")


def _reachable(url: str) -> bool:
    try:
        with Connection(url, connect_timeout=1) as connection:
            connection.connect()
    except OSError:
        return False
    return True


@pytest.fixture(params=["inprocess", pytest.param("rabbitmq", marks=pytest.mark.servers)])
def url(request: pytest.FixtureRequest) -> str:
    transport.register()
    if request.param == "inprocess":
        return f"inprocess://localhost/{uuid4().hex}"
    if not _reachable(AMQP_URL):
        pytest.skip("no RabbitMQ here")
    return AMQP_URL


@pytest.fixture
def names(url: str) -> Iterator[Callable[[str], str]]:
    """Names nobody else uses; what they name is deleted after the connections are gone."""
    prefix = f"t{uuid4().hex}"
    used: list[str] = []

    def name(word: str) -> str:
        used.append(f"{prefix}.{word}")
        return used[-1]

    yield name
    with Connection(url) as connection:
        channel = connection.channel()
        for each in used:
            channel.queue_delete(each)
            channel.exchange_delete(each)


@pytest.fixture
def connect(url: str, names: Callable[[str], str]) -> Iterator[Callable[[], Any]]:
    opened = []

    def open_connection() -> Any:
        connection = Connection(url)
        connection.connect()
        opened.append(connection)
        return connection

    yield open_connection
    for connection in opened:
        connection.release()


@pytest.fixture
def channel(connect: Callable[[], Any]) -> Any:
    return connect().channel()


def publish(channel: Any, exchange: str, routing_key: str, body: bytes = b"{}", **options: Any) -> None:
    mandatory = options.pop("mandatory", False)
    message = channel.prepare_message(body, content_type="application/json", properties=options)
    channel.basic_publish(message, exchange, routing_key, mandatory=mandatory)


def collect(channel: Any, queue: str, no_ack: bool = False) -> list[Any]:
    received: list[Any] = []
    channel.basic_consume(queue=queue, callback=received.append, no_ack=no_ack, consumer_tag=uuid4().hex)
    return received


def drain(channel: Any, timeout: float = 0.3) -> None:
    connection = channel.connection
    try:
        while True:
            connection.drain_events(timeout=timeout)
    except TimeoutError:
        pass


def test_a_message_arrives_with_its_body_properties_and_address(channel: Any, names: Any) -> None:
    queue = names("q")
    channel.queue_declare(queue, auto_delete=False)
    received = collect(channel, queue)
    publish(channel, "", queue, b'{"a":1}', correlation_id="c1", reply_to="back", headers={"x": "y"})
    drain(channel)
    message = channel.message_to_python(received[0])
    assert message.body == b'{"a":1}'
    assert message.payload == {"a": 1}
    assert message.properties["content_type"] == "application/json"
    assert message.properties["correlation_id"] == "c1"
    assert message.properties["reply_to"] == "back"
    assert message.delivery_info["routing_key"] == queue
    assert message.delivery_info["redelivered"] is False


def test_headers_travel(channel: Any, names: Any) -> None:
    queue = names("q")
    channel.queue_declare(queue, auto_delete=False)
    received = collect(channel, queue)
    message = channel.prepare_message(b"1", content_type="application/json", headers={"nameko.id": "7"})
    channel.basic_publish(message, "", queue)
    drain(channel)
    assert channel.message_to_python(received[0]).headers == {"nameko.id": "7"}


@pytest.mark.parametrize(
    ("binding", "key", "fits"),
    [
        ("orders.*", "orders.get", True),
        ("orders.*", "orders", False),
        ("orders.*", "orders.get.more", False),
        ("orders.#", "orders", True),
        ("orders.#", "orders.get.more", True),
        ("#", "anything.at.all", True),
        ("#.get", "orders.get", True),
        ("orders.#.x", "orders.a.b.x", True),
        ("orders.#.x", "orders.a.b.y", False),
        ("orders.get", "orders.got", False),
    ],
)
def test_a_topic_exchange_routes_by_words(
    channel: Any, names: Any, binding: str, key: str, fits: bool
) -> None:
    exchange, queue = names("x"), names("q")
    channel.exchange_declare(exchange, "topic", durable=True, auto_delete=False)
    channel.queue_declare(queue, auto_delete=False)
    channel.queue_bind(queue, exchange, binding)
    received = collect(channel, queue)
    publish(channel, exchange, key)
    drain(channel, timeout=0.1)
    assert (len(received) == 1) is fits


def test_a_queue_bound_twice_gets_one_copy(channel: Any, names: Any) -> None:
    exchange, queue = names("x"), names("q")
    channel.exchange_declare(exchange, "topic", durable=True, auto_delete=False)
    channel.queue_declare(queue, auto_delete=False)
    for binding in ("a.#", "a.b"):
        channel.queue_bind(queue, exchange, binding)
    received = collect(channel, queue)
    publish(channel, exchange, "a.b")
    drain(channel, timeout=0.1)
    assert len(received) == 1


def test_consumers_of_one_queue_share_its_messages(connect: Any, channel: Any, names: Any) -> None:
    queue = names("q")
    channel.queue_declare(queue, auto_delete=False)
    other = connect().channel()
    received = [collect(channel, queue), collect(other, queue)]
    for _ in range(6):
        publish(channel, "", queue)
    drain(channel, timeout=0.2)
    drain(other, timeout=0.2)
    assert [len(messages) for messages in received] == [3, 3]


def test_prefetch_bounds_what_is_unacknowledged(channel: Any, names: Any) -> None:
    queue = names("q")
    channel.queue_declare(queue, auto_delete=False)
    channel.basic_qos(0, 2, False)
    received = collect(channel, queue)
    for _ in range(5):
        publish(channel, "", queue)
    drain(channel)
    assert len(received) == 2
    channel.basic_ack(received[0].delivery_tag)
    drain(channel)
    assert len(received) == 3


def test_what_is_rejected_with_requeue_comes_again_marked(channel: Any, names: Any) -> None:
    queue = names("q")
    channel.queue_declare(queue, auto_delete=False)
    received = collect(channel, queue)
    publish(channel, "", queue)
    drain(channel)
    channel.basic_reject(received[0].delivery_tag, requeue=True)
    drain(channel)
    assert received[1].delivery_info["redelivered"] is True


def test_what_is_rejected_without_requeue_goes_to_the_dead_letter_exchange(channel: Any, names: Any) -> None:
    exchange, dead, queue = names("dlx"), names("dead"), names("q")
    channel.exchange_declare(exchange, "fanout", durable=True, auto_delete=False)
    channel.queue_declare(dead, auto_delete=False)
    channel.queue_bind(dead, exchange)
    channel.queue_declare(queue, auto_delete=False, arguments={"x-dead-letter-exchange": exchange})
    received, dead = collect(channel, queue), collect(channel, dead)
    publish(channel, "", queue, b"poison")
    drain(channel)
    channel.basic_reject(received[0].delivery_tag, requeue=False)
    drain(channel)
    assert [bytes(message.body) for message in dead] == [b"poison"]
    assert dead[0].headers["x-first-death-queue"] == queue


def test_unacknowledged_messages_return_when_their_connection_closes(
    connect: Any, channel: Any, names: Any
) -> None:
    queue = names("q")
    channel.queue_declare(queue, auto_delete=False)
    connection = connect()
    dying = connection.channel()
    collect(dying, queue)
    for body in (b"1", b"2"):
        publish(channel, "", queue, body)
    drain(dying)
    connection.release()
    received = collect(channel, queue)
    drain(channel)
    assert [bytes(message.body) for message in received] == [b"1", b"2"]


def test_an_expired_message_reaches_nobody(channel: Any, names: Any) -> None:
    queue = names("q")
    channel.queue_declare(queue, auto_delete=False)
    publish(channel, "", queue, b"late", expiration="50")
    publish(channel, "", queue, b"patient", expiration="60000")
    time.sleep(0.2)
    received = collect(channel, queue)
    drain(channel)
    assert [bytes(message.body) for message in received] == [b"patient"]


def test_every_publish_is_confirmed(channel: Any, names: Any) -> None:
    queue = names("q")
    channel.queue_declare(queue, auto_delete=False)
    confirmed: set[int] = set()

    def note(delivery_tag: int, multiple: bool) -> None:
        confirmed.update(range(1, delivery_tag + 1) if multiple else [delivery_tag])

    channel.events["basic_ack"].add(note)
    channel.confirm_select()
    for _ in range(3):
        publish(channel, "", queue)
    drain(channel)
    assert confirmed == {1, 2, 3}


def test_an_unroutable_mandatory_message_is_returned_and_confirmed(channel: Any, names: Any) -> None:
    happened: list[str] = []
    channel.events["basic_return"].add(lambda error, exchange, key, message: happened.append(f"return {key}"))
    channel.events["basic_ack"].add(lambda tag, multiple: happened.append(f"ack {tag}"))
    channel.confirm_select()
    publish(channel, "", names("nobody"), mandatory=True)
    drain(channel)
    assert [each.split(".")[-1] for each in happened] == ["nobody", "ack 1"]


def test_an_unroutable_message_that_is_not_mandatory_just_goes(channel: Any, names: Any) -> None:
    returned: list[Any] = []
    channel.events["basic_return"].add(lambda *arguments: returned.append(arguments))
    publish(channel, "", names("nobody"))
    drain(channel, timeout=0.1)
    assert returned == []


def test_a_publish_to_an_unknown_exchange_closes_the_channel(channel: Any, names: Any) -> None:
    publish(channel, names("no-exchange"), "key")
    with pytest.raises(NotFound):
        channel.connection.drain_events(timeout=1)


def test_a_passive_declaration_counts_and_refuses_the_unknown(connect: Any, channel: Any, names: Any) -> None:
    queue = names("q")
    channel.queue_declare(queue, auto_delete=False)
    publish(channel, "", queue)
    eventlet.sleep(0.1)
    assert channel.queue_declare(queue, passive=True)[1:] == (1, 0)
    collect(connect().channel(), queue)
    assert channel.queue_declare(queue, passive=True).consumer_count == 1
    with pytest.raises(NotFound):
        connect().channel().queue_declare(names("unknown"), passive=True)


def test_a_queue_is_not_redeclared_differently(connect: Any, channel: Any, names: Any) -> None:
    queue = names("q")
    channel.queue_declare(queue, durable=True, auto_delete=False)
    channel.queue_declare(queue, durable=True, auto_delete=False)
    with pytest.raises(PreconditionFailed):
        connect().channel().queue_declare(queue, durable=False, auto_delete=False)


def test_an_exclusive_queue_is_its_connections_own_and_goes_with_it(
    connect: Any, channel: Any, names: Any
) -> None:
    queue = names("q")
    owner = connect()
    owner.channel().queue_declare(queue, exclusive=True, auto_delete=False)
    with pytest.raises(ResourceLocked):
        connect().channel().queue_declare(queue, exclusive=True, auto_delete=False)
    owner.release()
    eventlet.sleep(0.1)
    with pytest.raises(NotFound):
        channel.queue_declare(queue, passive=True)


def test_an_auto_delete_queue_goes_with_its_last_consumer(connect: Any, channel: Any, names: Any) -> None:
    queue = names("q")
    channel.queue_declare(queue, auto_delete=True)
    channel.basic_consume(queue=queue, consumer_tag="only", callback=print)
    channel.basic_cancel("only")
    with pytest.raises(NotFound):
        connect().channel().queue_declare(queue, passive=True)


def test_a_cancelled_consumer_gets_nothing_more(channel: Any, names: Any) -> None:
    queue = names("q")
    channel.queue_declare(queue, auto_delete=False)
    received: list[Any] = []
    channel.basic_consume(queue=queue, consumer_tag="only", callback=received.append)
    channel.basic_cancel("only")
    publish(channel, "", queue)
    drain(channel, timeout=0.1)
    assert received == []
    eventlet.sleep(0.1)
    assert channel.queue_declare(queue, passive=True).message_count == 1


def test_basic_get_takes_one_message(channel: Any, names: Any) -> None:
    queue = names("q")
    channel.queue_declare(queue, auto_delete=False)
    assert channel.basic_get(queue) is None
    publish(channel, "", queue, b"one")
    eventlet.sleep(0.05)
    message = channel.basic_get(queue)
    assert bytes(message.body) == b"one"
    channel.basic_ack(message.delivery_tag)
    assert channel.basic_get(queue) is None


def test_kombus_own_consumer_and_producer_work(connect: Any, names: Any) -> None:
    connection = connect()
    queue = Queue(names("q"), auto_delete=False)
    received: list[Any] = []

    def take(body: Any, message: Any) -> None:
        received.append(body)
        message.ack()

    with connection.Consumer(queue, callbacks=[take]):
        connection.Producer().publish({"hello": "you"}, routing_key=queue.name)
        connection.drain_events(timeout=1)
    assert received == [{"hello": "you"}]


def test_a_waiting_connection_is_woken_at_once() -> None:
    transport.register()
    assert "inprocess" in TRANSPORT_ALIASES
    url = f"inprocess://localhost/{uuid4().hex}"
    waiting, sending = Connection(url), Connection(url)
    channel = waiting.channel()
    channel.queue_declare("q", auto_delete=False)
    times: list[float] = []
    channel.basic_consume(
        queue="q", no_ack=True, callback=lambda message: times.append(time.monotonic()), consumer_tag="c"
    )
    waiter = eventlet.spawn(waiting.drain_events, timeout=5)
    eventlet.sleep(0.05)
    started = time.monotonic()
    publish(sending.channel(), "", "q")
    waiter.wait()
    assert times[0] - started < 0.05
