"""Bindings on a real broker: what a queue receives, by the key that an event is published with."""

import uuid
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import amqp
import pytest

from chassis.amqp import topology
from kit.contracts import EVERY, Event, EventSchema
from kit.settings import Settings, load
from tests.support.servers import broker_connection

pytestmark = pytest.mark.servers

SERVICES = ("shop", "books", "letters")
BEFORE = Event("shop", "parcel_moved", EventSchema, consumers=("books", "letters"))
MOVED = Event(
    "shop", "parcel_moved", EventSchema, outcome="stage", consumers={"books": EVERY, "letters": ("lost",)}
)
KEYS = ("parcel_moved", "parcel_moved.sent", "parcel_moved.lost")


@pytest.fixture
def settings(servers: Settings) -> Settings:
    return load(Settings, broker_prefix=f"{servers.broker_prefix}{uuid.uuid4().hex[:6]}-")


@pytest.fixture
def channel(settings: Settings) -> Iterator[Any]:
    with closing(broker_connection(settings.amqp_url)) as connection:
        channel = connection.channel()
        channel.confirm_select()
        yield channel
        for queue in topology.queue_names(settings, SERVICES, [MOVED]):
            channel.queue_delete(queue)
        for exchange, _ in topology.exchanges(settings, SERVICES):
            channel.exchange_delete(exchange)


def delivered(settings: Settings, channel: Any) -> dict[str, list[str]]:
    """Publishes with each key once; the keys that each consumer receives, in the order of publishing."""
    for key in KEYS:
        exchange = topology.events_exchange(settings, "shop")
        channel.basic_publish_confirm(amqp.Message("{}"), exchange, key, mandatory=True)
    return {consumer: _received(settings, channel, consumer) for consumer in MOVED.consumers}


def _received(settings: Settings, channel: Any, consumer: str) -> list[str]:
    keys: list[str] = []
    queue = topology.event_queue(settings, MOVED, consumer)
    while (message := channel.basic_get(queue, no_ack=True)) is not None:
        keys.append(message.delivery_info["routing_key"])
    return keys


def test_a_consumer_receives_each_event_that_it_acts_on_once(settings: Settings, channel: Any) -> None:
    topology.declare(settings, SERVICES, [MOVED])
    assert delivered(settings, channel) == {
        "books": ["parcel_moved", "parcel_moved.sent", "parcel_moved.lost"],
        "letters": ["parcel_moved", "parcel_moved.lost"],
    }


def test_bindings_of_an_earlier_version_stay_beside_the_new_ones_and_repeat_nothing(
    settings: Settings, channel: Any
) -> None:
    topology.declare(settings, SERVICES, [BEFORE])
    for _ in range(2):
        topology.declare(settings, SERVICES, [MOVED])
    topology.declare(settings, SERVICES, [BEFORE])  # a release that is taken back
    assert delivered(settings, channel) == {
        "books": ["parcel_moved", "parcel_moved.sent", "parcel_moved.lost"],
        "letters": ["parcel_moved", "parcel_moved.lost"],
    }


def test_only_what_a_durable_queue_takes_must_be_routed() -> None:
    letters = Event("shop", "parcel_moved", EventSchema, outcome="stage", consumers={"letters": ("lost",)})
    events = {"parcel_moved": letters}
    assert topology.event_route(events, "parcel_moved", {"stage": "lost"}) == ("parcel_moved.lost", True)
    assert topology.event_route(events, "parcel_moved", {"stage": "sent"}) == ("parcel_moved.sent", False)
    assert topology.event_route(events, "parcel_moved", {}) == ("parcel_moved", True)
    assert topology.event_route(events, "of_yesterday", {"stage": "lost"}) == ("of_yesterday", False)
