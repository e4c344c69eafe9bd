"""kill -9 of any process at any moment, again and again: the ledger stays clean."""

import asyncio
import os
from functools import partial

import pytest

from tests.faults.support.laboratory import Laboratory, Scene
from tests.support.servers import eventually
from tests.support.stack import Process

A_FEW = 4
MANY = int(os.environ.get("FAULTS_KILLS", "1000"))
LONGEST_PAUSE_SECONDS = 0.5
PROGRESS_EACH = 10


async def _kill_at_random(kills: int, scene: Scene) -> None:
    """Each kill waits for an answer to somebody, so that it always meets work, then for a random moment."""
    supervisor = scene.marketplace.supervisor
    before = supervisor.deaths.total()
    for number in range(1, kills + 1):
        process = scene.random.choice(scene.marketplace.stack.processes)
        await scene.load.progress(1)
        await asyncio.sleep(scene.random.uniform(0, LONGEST_PAUSE_SECONDS))
        await asyncio.to_thread(_kill, process)
        if number % PROGRESS_EACH == 0:
            scene.say(f"{number} of {kills} killed")
    eventually(lambda: supervisor.deaths.total() - before >= kills, what=f"{kills} processes died")


def _kill(process: Process) -> None:
    eventually(lambda: process.is_running, what=f"{process.label} is there again")
    process.kill()


def test_a_few_processes_are_killed(laboratory: Laboratory) -> None:
    laboratory.run(f"kill -9 of {A_FEW} processes at random", partial(_kill_at_random, A_FEW))


@pytest.mark.faults
def test_many_processes_are_killed(laboratory: Laboratory) -> None:
    laboratory.run(f"kill -9 of {MANY} processes at random", partial(_kill_at_random, MANY))


async def _kill_the_gateway(times: int, scene: Scene) -> None:
    [gateway] = scene.marketplace.stack.of("gateway")
    for _ in range(times):
        await asyncio.to_thread(gateway.kill)
        await scene.load.progress(10)


@pytest.mark.faults
def test_the_gateway_is_killed(laboratory: Laboratory) -> None:
    laboratory.run("kill -9 of the gateway, 3 times", partial(_kill_the_gateway, 3))
