"""Processes die at the worst moments: nothing is lost and nothing happens twice."""

import asyncio
import signal
import time
from collections.abc import Iterable
from functools import partial

import pytest

from tests.faults.support.laboratory import Laboratory, Scene
from tests.support import codebase
from tests.support.stack import Process

POINTS = (
    "outbox.committed",
    "outbox.published",
    "outbox.confirmed",
    "event.handled",
    "event.committed",
    "call.committed",
)
# Money moves outside between two steps of payments.
PAYING = (
    "payment.before_charge",
    "payment.charged",
    "payment.recorded",
    "refund.before_request",
    "refund.requested",
    "payout.before_request",
    "payout.requested",
)
# One row of these runs with all tests: before and after the broker has an event, in a consumer, in a call.
SHORT = (
    ("orders", "outbox.confirmed"),
    ("messaging", "event.committed"),
    ("accounts", "outbox.committed"),
    ("catalog", "call.committed"),
)
MOST_PASSES = 3
DIES_WITHIN = 300.0  # it has to start, and somebody has to do what leads there


async def _die_at(places: Iterable[tuple[str, str]], scene: Scene) -> None:
    """Every process of these services dies at its fail point and comes back without it."""
    doomed = [
        (process, point) for service, point in places for process in scene.marketplace.stack.of(service)
    ]
    await asyncio.gather(*(_die_once(process, point, scene) for process, point in doomed))


async def _die_once(process: Process, point: str, scene: Scene) -> None:
    scene.marketplace.supervisor.hold(process)
    await asyncio.to_thread(process.kill)
    process.start(FAIL_POINT=point, FAIL_POINT_PASSES=str(scene.random.randint(0, MOST_PASSES)))
    await _death_of(process)
    assert process.exit_code == -signal.SIGKILL, f"{process.label} ended with {process.exit_code}"
    scene.marketplace.supervisor.release(process)
    await scene.load.progress(10)


async def _death_of(process: Process) -> None:
    give_up_at = time.monotonic() + DIES_WITHIN
    while process.is_running:
        assert time.monotonic() < give_up_at, f"{process.label} never got to its fail point"
        await asyncio.sleep(0.05)


def test_processes_die_here_and_there(laboratory: Laboratory) -> None:
    laboratory.run("kill -9 at a fail point, each service at another", partial(_die_at, SHORT))


@pytest.mark.faults
@pytest.mark.parametrize("point", POINTS)
def test_every_process_dies_at(laboratory: Laboratory, point: str) -> None:
    everywhere = [(service, point) for service in codebase.SERVICES]
    laboratory.run(f"kill -9 at {point}, in every service", partial(_die_at, everywhere))


@pytest.mark.faults
def test_payments_die_at_every_step(laboratory: Laboratory) -> None:
    async def die_at_each(scene: Scene) -> None:
        for point in PAYING:
            await _die_at([("payments", point)], scene)

    laboratory.run("kill -9 of payments at each step of moving money", die_at_each)
