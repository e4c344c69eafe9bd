"""Poison in every queue: it ends among the dead letters, all of it, and the rest flows on."""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from functools import partial
from typing import Any

import pytest

from chassis.amqp import topology
from tests.faults.support import poison
from tests.faults.support.laboratory import Laboratory, Scene
from tests.faults.support.poison import Poison
from tests.support import codebase
from tests.support.servers import broker_connection, eventually

Expected = Counter[tuple[str, bytes]]
DEFAULT_EXCHANGE = ""
DEAD_LETTERED_WITHIN = 60.0


class Poisoner:
    """Sends poison to one broker and remembers where it must end."""

    def __init__(self, scene: Scene, channel: Any) -> None:
        self._settings = scene.marketplace.settings
        self._channel = channel
        self.expected: Expected = Counter()

    def poison_calls(self, service: str, poison: Poison) -> None:
        """As a call of the service. What is dead-lettered is kept as text."""
        method = next(rpc.method for rpc in codebase.rpcs() if rpc.service == service)
        self._send(poison, topology.rpc_exchange(self._settings), f"{service}.{method}")
        self.expected[service, poison.body.decode(errors="replace").encode()] += 1

    def poison_events(self, queue: str, consumer: str, poison: Poison) -> None:
        """Straight into a consumer's queue."""
        self._send(poison, DEFAULT_EXCHANGE, queue)
        self.expected[consumer, poison.body] += 1

    def poison_answers(self, queue: str, poison: Poison) -> None:
        """Into a queue of answers or of live events, which keeps nothing."""
        self._send(poison, DEFAULT_EXCHANGE, queue)

    def _send(self, poison: Poison, exchange: str, routing_key: str) -> None:
        self._channel.basic_publish_confirm(poison.message(), exchange, routing_key, mandatory=True)


async def _poisoned(pour: Callable[[Scene, Poisoner], list[Callable[[], None]]], scene: Scene) -> None:
    """Drops of poison fall among the messages of people who go on; none is lost, none comes twice."""
    before = await asyncio.to_thread(poison.dead_letters, scene.marketplace.settings)
    with closing(broker_connection(scene.marketplace.rabbit.url)) as connection:
        poisoner = Poisoner(scene, connection.channel())
        for drop in pour(scene, poisoner):
            await asyncio.to_thread(drop)
            if scene.random.random() < 0.1:
                await scene.load.progress(1)
    wanted = before + poisoner.expected

    def are_dead_lettered() -> bool:
        return sum(scene.marketplace.dead_letters().values()) >= wanted.total()

    await asyncio.to_thread(
        eventually, are_dead_lettered, DEAD_LETTERED_WITHIN, "all poison is dead-lettered"
    )
    found = await asyncio.to_thread(poison.dead_letters, scene.marketplace.settings)
    assert _excerpts(found - wanted) == [], "nothing else is dead-lettered"
    assert _excerpts(wanted - found) == [], "all poison is dead-lettered"
    for (service, _body), count in poisoner.expected.items():
        scene.dead_letters[service] += count


def _excerpts(bodies: Expected) -> list[tuple[str, bytes, int]]:
    return [(service, body[:40], count) for (service, body), count in bodies.items()]


def _into_calls(scene: Scene, poisoner: Poisoner) -> list[Callable[[], None]]:
    return [
        partial(poisoner.poison_calls, service, drop)
        for service in codebase.SERVICES
        for drop in (*poison.unreadable(), *poison.calls(service))
    ]


def _into_events(scene: Scene, poisoner: Poisoner) -> list[Callable[[], None]]:
    return [
        partial(poisoner.poison_events, queue, consumer, drop)
        for queue, kind, consumer in poison.event_queues(scene.marketplace.settings)
        for drop in (*poison.unreadable(), *poison.events(kind))
    ]


def _into_answers(scene: Scene, poisoner: Poisoner) -> list[Callable[[], None]]:
    listed = scene.marketplace.rabbit.ctl("list_queues", "name", "--no-table-headers").split()
    durable = set(topology.queue_names(scene.marketplace.settings, codebase.SERVICES, codebase.events()))
    return [
        partial(poisoner.poison_answers, queue, drop)
        for queue in sorted(set(listed) - durable)
        for drop in poison.unreadable()
    ]


def test_poison_in_every_queue_of_calls(laboratory: Laboratory) -> None:
    laboratory.run("poison in every queue of calls", partial(_poisoned, _into_calls))


@pytest.mark.faults
def test_poison_in_every_queue_of_events(laboratory: Laboratory) -> None:
    laboratory.run("poison in every queue of events", partial(_poisoned, _into_events))


@pytest.mark.faults
def test_poison_in_every_queue_of_answers_and_live_events(laboratory: Laboratory) -> None:
    laboratory.run("poison in every queue of answers and live events", partial(_poisoned, _into_answers))
