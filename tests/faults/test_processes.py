"""Processes die at the worst moments: nothing is lost and nothing happens twice."""

import asyncio
import signal
import time
from functools import partial

import pytest

from tests import house
from tests.faults.laboratory import Laboratory, Scene
from tests.stack import Process

OUTBOX = ("outbox.committed", "outbox.published", "outbox.confirmed")
EVENTS = ("event.handled", "event.committed")
CALLS = ("call.committed",)
# One row of these runs with all tests: before and after the broker has an event, in a consumer, in a call.
SHORT = (
    ("orders", "outbox.confirmed"),
    ("messaging", "event.committed"),
    ("accounts", "outbox.committed"),
    ("catalog", "call.committed"),
)
MOST_PASSES = 3
DIES_WITHIN = 90.0


async def _die_at(point: str, service: str, scene: Scene) -> None:
    """Every process of the service gets the fail point, dies there and comes back without it."""
    await asyncio.gather(*(_die_once(p, point, scene) for p in scene.world.stack.of(service)))


async def _die_once(process: Process, point: str, scene: Scene) -> None:
    scene.world.supervisor.hold(process)
    await asyncio.to_thread(process.kill)
    process.start(FAIL_POINT=point, FAIL_POINT_PASSES=str(scene.random.randint(0, MOST_PASSES)))
    await _death_of(process)
    assert process.exit_code == -signal.SIGKILL, f"{process.label} ended with {process.exit_code}"
    scene.world.supervisor.release(process)
    await scene.load.progress(10)


async def _die_here_and_there(scene: Scene) -> None:
    await asyncio.gather(*(_die_at(point, service, scene) for service, point in SHORT))


async def _death_of(process: Process) -> None:
    give_up_at = time.monotonic() + DIES_WITHIN
    while process.is_running:
        assert time.monotonic() < give_up_at, f"{process.label} never got to its fail point"
        await asyncio.sleep(0.05)


def test_processes_die_here_and_there(laboratory: Laboratory) -> None:
    laboratory.run("kill -9 of several processes at fail points", _die_here_and_there)


@pytest.mark.faults
@pytest.mark.parametrize("point", [*OUTBOX, *EVENTS, *CALLS])
@pytest.mark.parametrize("service", house.SERVICES)
def test_a_process_dies_at(laboratory: Laboratory, service: str, point: str) -> None:
    laboratory.run(f"kill -9 of {service} at {point}", partial(_die_at, point, service))
