"""PostgreSQL dies, ends its connections, stands still, together with the broker: nothing is lost."""

import asyncio
from collections.abc import Callable
from functools import partial

import pytest

from tests.faults.support.laboratory import Laboratory, Scene
from tests.faults.support.marketplace import Marketplace
from tests.faults.support.outage import Outage
from tests.faults.support.time_limits import drained_within

AWAY_SECONDS = 3.0
LONGER_THAN_PATIENCE = 20.0  # three deadlines, then a process gives a silent database up
ROUNDS = 5

Action = Callable[[Marketplace], object]


async def _away(down: Action, up: Action, seconds: float, scene: Scene) -> None:
    """Something takes the database away for a while, and something brings it back."""
    outage = Outage(scene)
    await outage.prepare()
    await asyncio.to_thread(down, scene.marketplace)
    try:
        await asyncio.gather(outage.poll(), asyncio.sleep(seconds))
    finally:
        await asyncio.to_thread(up, scene.marketplace)


async def _connections_ended(scene: Scene) -> None:
    """All connections are ended, again and again, while people go on."""
    for _ in range(ROUNDS):
        assert await asyncio.to_thread(scene.marketplace.postgres.end_connections)
        await scene.load.progress(10)


async def _both_killed(scene: Scene) -> None:
    """A power cut of both servers; which one is back first is open."""
    servers = (scene.marketplace.rabbit, scene.marketplace.postgres)
    outage = Outage(scene)
    await outage.prepare()
    await asyncio.gather(*(asyncio.to_thread(server.stop) for server in servers))
    await asyncio.gather(outage.poll(), asyncio.sleep(AWAY_SECONDS))
    await asyncio.gather(*(asyncio.to_thread(server.start) for server in servers))


def test_stopped_at_once_and_started_again(laboratory: Laboratory) -> None:
    away = partial(_away, lambda w: w.postgres.stop(), lambda w: w.postgres.start(), AWAY_SECONDS)
    laboratory.run("PostgreSQL stopped at once, and back", away, drained_within)


@pytest.mark.faults
def test_all_connections_ended_again_and_again(laboratory: Laboratory) -> None:
    laboratory.run(f"pg_terminate_backend of all, {ROUNDS} times", _connections_ended, drained_within)


@pytest.mark.faults
def test_frozen_longer_than_every_time_out(laboratory: Laboratory) -> None:
    frozen = partial(_away, lambda w: w.postgres.freeze(), lambda w: w.postgres.thaw(), LONGER_THAN_PATIENCE)
    laboratory.run("PostgreSQL frozen, longer than every time-out", frozen, drained_within)


@pytest.mark.faults
def test_both_servers_killed_together(laboratory: Laboratory) -> None:
    laboratory.run("RabbitMQ and PostgreSQL killed together, and back", _both_killed, drained_within)
