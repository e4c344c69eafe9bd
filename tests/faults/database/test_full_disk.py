"""The disk of PostgreSQL is really full: who writes is told to come again, and nothing is lost."""

import asyncio

import pytest

from tests.faults.support.fragile_laboratory import Fragile
from tests.faults.support.laboratory import Scene
from tests.faults.support.time_limits import drained_within

FULL_SECONDS = 10.0


async def _full(scene: Scene) -> None:
    """Not a byte is left, until somebody makes room. A server that died of it is started again."""
    marketplace = scene.marketplace
    await asyncio.to_thread(marketplace.disk.fill)
    try:
        await asyncio.sleep(FULL_SECONDS)
    finally:
        await asyncio.to_thread(marketplace.disk.free)
    if not marketplace.postgres.is_running:
        scene.say("PostgreSQL died of it")
        await asyncio.to_thread(marketplace.postgres.start)


@pytest.mark.faults
def test_a_full_disk(fragile: Fragile) -> None:
    if not fragile.laboratory.marketplace.disk.is_mounted:
        pytest.skip("not run: no right to mount a small disk")
    fragile.laboratory.run("PostgreSQL's disk full, and freed", _full, drained_within)
