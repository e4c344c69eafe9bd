"""Migrations run under load: processes that run already, and those started afterwards, both work."""

import asyncio
from contextlib import closing

import pytest

from chassis import topology
from services import migrating
from tests import house
from tests.faults.laboratory import Laboratory, Scene
from tests.faults.report import Report
from tests.faults.world import World

FIRST = "0001"


def _tables(world: World) -> set[tuple[str, str]]:
    query = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    with world.reading() as databases:
        return {(service, name) for service in house.SERVICES for (name,) in databases.rows(service, query)}


async def _migrate(scene: Scene) -> None:
    """The command runs twice at once, then each process in turn is restarted on the new tables."""
    world = scene.world
    before = await asyncio.to_thread(_tables, world)
    await asyncio.gather(*(asyncio.to_thread(world.stack.migrate) for _ in range(2)))
    new = await asyncio.to_thread(_tables, world) - before
    assert {service for service, _ in new} == set(house.SERVICES), "every service has a later revision"
    await scene.load.progress(20)
    for process in world.stack.processes:
        world.supervisor.hold(process)
        await asyncio.to_thread(process.stop)
        world.supervisor.start(process)
        await scene.load.progress(3)


@pytest.mark.faults
def test_migrations_under_load(report: Report, seed: int) -> None:
    with closing(World()) as world:
        world.start_servers()
        for service in house.SERVICES:
            migrating.upgrade(service, world.database_url(service), FIRST)
        topology.declare(world.settings, house.SERVICES, list(house.events()))
        world.start_processes()
        Laboratory(world, report, seed).run("migrations from the first revision under load", _migrate)
