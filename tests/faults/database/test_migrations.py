"""Migrations run under load: processes that run already, and those started afterwards, both work."""

import asyncio
from contextlib import closing

import psycopg2
import pytest

from chassis.amqp import topology
from services import migrations
from tests.faults.support.laboratory import Laboratory, Scene
from tests.faults.support.marketplace import Marketplace
from tests.faults.support.report import Report
from tests.support import codebase

# The oldest tables that today's processes can work on; a release is migrated before it starts.
OLDEST = {"accounts": "0003", "catalog": "0003", "orders": "0005", "reviews": "0003"}
FIRST = "0001"


def _revisions(marketplace: Marketplace) -> dict[str, str]:
    with marketplace.reading() as databases:
        asked = {s: databases.rows(s, "SELECT version_num FROM alembic_version") for s in codebase.SERVICES}
    return {service: version for service, [(version,)] in asked.items()}


def _newest() -> dict[str, str]:
    histories = {s: (codebase.ROOT / "services" / s / "migrations").glob("v*.py") for s in codebase.SERVICES}
    return {service: max(path.stem for path in paths)[1:5] for service, paths in histories.items()}


def _add_what_is_to_come(marketplace: Marketplace) -> None:
    """What the revision after the newest may do: every table gets a column that nobody knows yet."""
    for service in codebase.SERVICES:
        with closing(psycopg2.connect(marketplace.database_url(service))) as connection:
            connection.autocommit = True
            cursor = connection.cursor()
            cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            for (table,) in cursor.fetchall():
                cursor.execute(f'ALTER TABLE "{table}" ADD COLUMN to_come integer NOT NULL DEFAULT 0')


async def _migrate(scene: Scene) -> None:
    """The command runs twice at once; then each process in turn is restarted on the new tables."""
    marketplace = scene.marketplace
    assert await asyncio.to_thread(_revisions, marketplace) != _newest(), "there is something to migrate"
    await asyncio.gather(*(asyncio.to_thread(marketplace.stack.migrate) for _ in range(2)))
    assert await asyncio.to_thread(_revisions, marketplace) == _newest()
    await scene.load.progress(10)
    await asyncio.to_thread(_add_what_is_to_come, marketplace)
    await scene.load.progress(10)
    for process in marketplace.stack.processes:
        marketplace.supervisor.hold(process)
        await asyncio.to_thread(process.stop)
        marketplace.supervisor.start(process)
        await scene.load.progress(3)


@pytest.mark.faults
def test_migrations_under_load(report: Report, seed: int) -> None:
    with closing(Marketplace()) as marketplace:
        marketplace.start_servers()
        for service in codebase.SERVICES:
            migrations.upgrade(service, marketplace.database_url(service), OLDEST.get(service, FIRST))
        topology.declare(marketplace.settings, codebase.SERVICES, list(codebase.events()))
        marketplace.start_processes()
        Laboratory(marketplace, report, seed).run("migrations under load, then every process anew", _migrate)
