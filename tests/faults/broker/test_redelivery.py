"""Events come again, late, in any order, while people go on: each takes effect once."""

import asyncio
import json
from collections.abc import Callable
from contextlib import closing
from functools import partial
from typing import Any

import amqp
import pytest

from chassis.amqp import topology
from tests.faults.support.laboratory import Laboratory, Scene
from tests.faults.support.marketplace import Marketplace
from tests.support import codebase
from tests.support.servers import broker_connection

ROUNDS = 5
EVENTS_EACH_ROUND = 200
Event = tuple[str, str, str, dict[str, Any]]  # owner, type, id, body


def _sent(marketplace: Marketplace) -> list[Event]:
    query = "SELECT type, event_id::text, body FROM outbox WHERE sent_at IS NOT NULL"
    with marketplace.reading() as databases:
        return [(service, *row) for service in codebase.SERVICES for row in databases.rows(service, query)]


def _send_again(marketplace: Marketplace, events: list[Event]) -> None:
    with closing(broker_connection(marketplace.rabbit.url)) as connection:
        channel = connection.channel()
        for owner, kind, event_id, body in events:
            message = amqp.Message(json.dumps(body), message_id=event_id, delivery_mode=2)
            exchange = topology.events_exchange(marketplace.settings, owner)
            channel.basic_publish_confirm(message, exchange, kind)


async def _again(choose: Callable[[Scene, list[Event]], list[Event]], scene: Scene) -> None:
    for _ in range(ROUNDS):
        events = choose(scene, await asyncio.to_thread(_sent, scene.marketplace))
        await asyncio.to_thread(_send_again, scene.marketplace, events)
        await scene.load.progress(10)


def _some_shuffled(scene: Scene, events: list[Event]) -> list[Event]:
    return scene.random.sample(events, min(len(events), EVENTS_EACH_ROUND))


def _newest_backwards(scene: Scene, events: list[Event]) -> list[Event]:
    return sorted(events, key=lambda event: event[2], reverse=True)[:EVENTS_EACH_ROUND]


@pytest.mark.faults
def test_events_come_again_shuffled(laboratory: Laboratory) -> None:
    name = f"{ROUNDS} × up to {EVENTS_EACH_ROUND} events again, shuffled"
    laboratory.run(name, partial(_again, _some_shuffled))


@pytest.mark.faults
def test_the_newest_events_come_again_backwards(laboratory: Laboratory) -> None:
    name = f"{ROUNDS} × the newest {EVENTS_EACH_ROUND} events again, backwards"
    laboratory.run(name, partial(_again, _newest_backwards))
