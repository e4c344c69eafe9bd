"""The gateway's calls and live events inside one process behave as over a real broker."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from chassis.amqp import topology
from embedded.broker.broker import Broker, BrokerMessage
from embedded.gateway_upstream import CallbackConsumer, EmbeddedEventFeed, EmbeddedRpcClient
from gateway.upstream.rpc_client import CallHeaders, Reply
from kit.errors import NotFound, RemoteFailure, TimedOut, Unavailable, to_wire
from kit.settings import Settings
from services.catalog.contract import SERVICE_CHANGED
from services.orders.contract import GET_ORDER
from services.reviews.contract import REVIEW_CHANGED

SETTINGS = replace(Settings(), rpc_deadline_seconds=0.2)
EXCHANGE = topology.rpc_exchange(SETTINGS)
HEADERS = CallHeaders(request_id="r1", access_token="token")


@pytest.fixture
def broker() -> Broker:
    broker = Broker()
    broker.declare_exchange(EXCHANGE, "topic", durable=True)
    return broker


def orders_process(broker: Broker, answer: Callable[[BrokerMessage], Any]) -> list[BrokerMessage]:
    """Answers calls to orders with what `answer` makes of them; None keeps silent."""
    taken: list[BrokerMessage] = []

    def handle(message: BrokerMessage) -> None:
        taken.append(message)
        reply = answer(message)
        if reply is not None:
            properties = {"correlation_id": message.properties["correlation_id"]}
            body = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
            broker.publish(EXCHANGE, message.properties["reply_to"], body, properties)

    queue = broker.declare_queue("rpc-orders", durable=True)
    broker.bind(queue.name, EXCHANGE, "orders.*")
    queue.add_consumer(CallbackConsumer(handle))
    return taken


def call(broker: Broker) -> Reply:
    async def main() -> Reply:
        client = EmbeddedRpcClient(SETTINGS, broker)
        return await client.call(GET_ORDER, HEADERS, order_id="o")

    return asyncio.run(main())


def test_a_call_carries_its_context_and_brings_back_the_answer(broker: Broker) -> None:
    taken = orders_process(broker, lambda _: {"result": {"id": "o"}, "error": None, "replayed": True})
    assert call(broker) == Reply({"id": "o"}, replayed=True)
    assert json.loads(taken[0].body) == {"args": [], "kwargs": {"order_id": "o"}}
    headers = taken[0].properties["application_headers"]
    assert headers["nameko.access_token"] == "token"
    assert headers["nameko.deadline_ms"] == taken[0].properties["expiration"] == "200"


def test_what_the_service_refused_is_raised(broker: Broker) -> None:
    orders_process(broker, lambda _: {"result": None, "error": to_wire(NotFound("No such order."))})
    with pytest.raises(NotFound, match="No such order"):
        call(broker)


def test_a_service_that_was_never_installed_is_unavailable_at_once(broker: Broker) -> None:
    with pytest.raises(Unavailable):
        call(broker)


def test_a_silent_service_times_out(broker: Broker) -> None:
    orders_process(broker, lambda _: None)
    with pytest.raises(TimedOut):
        call(broker)


def test_a_reply_of_another_service_is_ignored(broker: Broker) -> None:
    def forge_and_answer(message: BrokerMessage) -> dict[str, Any]:
        forged = json.dumps({"result": "forged", "error": None}).encode()
        properties = {"correlation_id": message.properties["correlation_id"]}
        broker.publish(EXCHANGE, "reply.catalog.gateway", forged, properties)
        return {"result": "true", "error": None}

    orders_process(broker, forge_and_answer)
    assert call(broker).result == "true"


@pytest.mark.parametrize("body", [b"{", b"[]", b"{}"])
def test_an_unreadable_reply_is_a_failure(broker: Broker, body: bytes) -> None:
    orders_process(broker, lambda _: body)
    with pytest.raises(RemoteFailure):
        call(broker)


def handle(broker: Broker, happen: Callable[[], Awaitable[None]]) -> list[tuple[str, dict[str, Any]]]:
    heard: list[tuple[str, dict[str, Any]]] = []

    async def main() -> None:
        live = [SERVICE_CHANGED, REVIEW_CHANGED]
        feed = EmbeddedEventFeed(SETTINGS, broker, live, asyncio.get_running_loop())
        feed.subscribe(
            lambda kind, event: heard.append((kind, event)), lambda: heard.append(("connected", {}))
        )
        await happen()
        await asyncio.sleep(0)

    asyncio.run(main())
    return heard


def test_live_events_are_heard_from_the_loop(broker: Broker) -> None:
    exchange, reviews = (topology.events_exchange(SETTINGS, owner) for owner in ("catalog", "reviews"))
    for name in (exchange, reviews):
        broker.declare_exchange(name, "topic", durable=True)

    async def happen() -> None:
        broker.publish(exchange, "service_changed", b'{"service_id": "s"}', {})
        broker.publish(exchange, "something_else", b"{}", {})
        broker.publish(reviews, "review_changed.edited", b'{"review_id": "r"}', {})

    assert handle(broker, happen) == [
        ("connected", {}),
        ("service_changed", {"service_id": "s"}),
        ("review_changed", {"review_id": "r"}),
    ]
