"""Migrations run under load: processes that run already, and those started afterwards, both work."""

import asyncio
from contextlib import closing

import psycopg2
import pytest

from chassis.amqp import topology
from services import migrations
from tests.faults.support.laboratory import Laboratory, Scene
from tests.faults.support.marketplace import World
from tests.faults.support.report import Report
from tests.support import codebase as house

# The oldest tables that today's processes can work on; a release is migrated before it starts.
OLDEST = {"accounts": "0003", "catalog": "0003", "orders": "0003", "reviews": "0003"}
FIRST = "0001"


def _revisions(world: World) -> dict[str, str]:
    with world.reading() as databases:
        asked = {s: databases.rows(s, "SELECT version_num FROM alembic_version") for s in house.SERVICES}
    return {service: version for service, [(version,)] in asked.items()}


def _newest() -> dict[str, str]:
    histories = {s: (house.ROOT / "services" / s / "migrations").glob("v*.py") for s in house.SERVICES}
    return {service: max(path.stem for path in paths)[1:5] for service, paths in histories.items()}


def _add_what_is_to_come(world: World) -> None:
    """What the revision after the newest may do: every table gets a column that nobody knows yet."""
    for service in house.SERVICES:
        with closing(psycopg2.connect(world.database_url(service))) as connection:
            connection.autocommit = True
            cursor = connection.cursor()
            cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            for (table,) in cursor.fetchall():
                cursor.execute(f'ALTER TABLE "{table}" ADD COLUMN to_come integer NOT NULL DEFAULT 0')


async def _migrate(scene: Scene) -> None:
    """The command runs twice at once; then each process in turn is restarted on the new tables."""
    world = scene.world
    assert await asyncio.to_thread(_revisions, world) != _newest(), "there is something to migrate"
    await asyncio.gather(*(asyncio.to_thread(world.stack.migrate) for _ in range(2)))
    assert await asyncio.to_thread(_revisions, world) == _newest()
    await scene.load.progress(10)
    await asyncio.to_thread(_add_what_is_to_come, world)
    await scene.load.progress(10)
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
            migrations.upgrade(service, world.database_url(service), OLDEST.get(service, FIRST))
        topology.declare(world.settings, house.SERVICES, list(house.events()))
        world.start_processes()
        Laboratory(world, report, seed).run("migrations under load, then every process anew", _migrate)
