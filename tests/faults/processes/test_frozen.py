"""A process stands still (SIGSTOP) with calls and events in its hands, for longer than any deadline."""

import asyncio
from functools import partial

import pytest

from tests.faults.support.laboratory import Laboratory, Scene
from tests.support import codebase
from tests.support.stack import GATEWAY

LONGER_THAN_DEADLINES, LONGER_THAN_HEARTBEATS = 12.0, 30.0


async def _freeze(name: str, seconds: float, scene: Scene) -> None:
    """One process of a service stands still; its others, if it has any, go on."""
    process = scene.marketplace.stack.of(name)[0]
    await asyncio.to_thread(process.pause)
    try:
        await asyncio.sleep(seconds)
    finally:
        process.resume()


@pytest.mark.faults
@pytest.mark.parametrize("name", [*codebase.SERVICES, GATEWAY])
def test_a_process_stands_still(laboratory: Laboratory, name: str) -> None:
    freeze = partial(_freeze, name, LONGER_THAN_DEADLINES)
    laboratory.run(f"SIGSTOP of {name} for {LONGER_THAN_DEADLINES:.0f} s", freeze)


@pytest.mark.faults
def test_a_consumer_stands_still_for_so_long_that_the_broker_drops_it(laboratory: Laboratory) -> None:
    freeze = partial(_freeze, "messaging", LONGER_THAN_HEARTBEATS)
    laboratory.run(f"SIGSTOP of messaging for {LONGER_THAN_HEARTBEATS:.0f} s", freeze)
