"""The broker dies, is stopped, throws everybody out, takes nothing, stands still: nothing is lost."""

import asyncio
from collections.abc import Callable
from functools import partial

import pytest

from tests.faults.support.laboratory import Laboratory, Scene
from tests.faults.support.outage import Outage
from tests.faults.support.time_limits import drained_within
from tests.support.private_rabbit import RabbitServer

AWAY_SECONDS = 3.0
LONGER_THAN_DEADLINES = 8.0
ROUNDS = 5
SINGLE_CONNECTIONS = 8

Action = Callable[[RabbitServer], object]


async def _away(down: Action, up: Action, seconds: float, scene: Scene) -> None:
    """Something takes the broker away for a while, and something brings it back."""
    outage = Outage(scene)
    await outage.prepare()
    await asyncio.to_thread(down, scene.marketplace.rabbit)
    try:
        await asyncio.gather(outage.poll(), asyncio.sleep(seconds))
    finally:
        await asyncio.to_thread(up, scene.marketplace.rabbit)


async def _thrown_out(scene: Scene) -> None:
    """All connections are closed, again and again, while people go on."""
    for _ in range(ROUNDS):
        await asyncio.to_thread(scene.marketplace.rabbit.close_connections)
        await scene.load.progress(10)


async def _single_connections_closed(scene: Scene) -> None:
    """Any connection may be the next."""
    for _ in range(SINGLE_CONNECTIONS):
        await asyncio.to_thread(scene.marketplace.rabbit.close_one_connection, scene.random.randrange(10**6))
        await scene.load.progress(3)


def test_killed_and_started_again(laboratory: Laboratory) -> None:
    away = partial(_away, RabbitServer.stop, RabbitServer.start, AWAY_SECONDS)
    laboratory.run("RabbitMQ killed, and back", away, drained_within)


@pytest.mark.faults
def test_stopped_gently_and_started_again(laboratory: Laboratory) -> None:
    away = partial(_away, RabbitServer.stop_gently, RabbitServer.start, AWAY_SECONDS)
    laboratory.run("RabbitMQ stopped gently, and back", away, drained_within)


@pytest.mark.faults
def test_its_application_stopped_and_started(laboratory: Laboratory) -> None:
    stop, start = (lambda rabbit: rabbit.ctl("stop_app")), (lambda rabbit: rabbit.ctl("start_app"))
    laboratory.run(
        "rabbitmqctl stop_app, start_app", partial(_away, stop, start, AWAY_SECONDS), drained_within
    )


@pytest.mark.faults
def test_all_connections_closed_again_and_again(laboratory: Laboratory) -> None:
    laboratory.run(f"all broker connections closed, {ROUNDS} times", _thrown_out, drained_within)


@pytest.mark.faults
def test_single_connections_closed(laboratory: Laboratory) -> None:
    name = f"single broker connections closed, {SINGLE_CONNECTIONS} times"
    laboratory.run(name, _single_connections_closed, drained_within)


@pytest.mark.faults
def test_memory_alarm(laboratory: Laboratory) -> None:
    alarm = partial(_away, RabbitServer.raise_memory_alarm, RabbitServer.clear_alarms, LONGER_THAN_DEADLINES)
    laboratory.run("memory alarm, longer than deadlines", alarm, drained_within)


@pytest.mark.faults
def test_disk_alarm(laboratory: Laboratory) -> None:
    alarm = partial(_away, RabbitServer.raise_disk_alarm, RabbitServer.clear_alarms, LONGER_THAN_DEADLINES)
    laboratory.run("disk alarm, longer than deadlines", alarm, drained_within)


@pytest.mark.faults
def test_frozen_longer_than_deadlines(laboratory: Laboratory) -> None:
    frozen = partial(_away, RabbitServer.freeze, RabbitServer.thaw, LONGER_THAN_DEADLINES)
    laboratory.run("RabbitMQ frozen, longer than deadlines", frozen, drained_within)
