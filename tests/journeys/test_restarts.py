"""The broker and the database die under traffic and come back: nobody's order is lost or doubled.

The servers are private ones, since no test may restart those that others use.
"""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from kit.settings import Settings
from tests.journeys import ledger, walk
from tests.support.private_postgres import PostgresServer
from tests.support.private_rabbit import RabbitServer
from tests.support.servers import eventually, with_database
from tests.support.stack import Stack

WALKERS = 4
PATIENCE_SECONDS = 90.0


@dataclass
class PrivateStack:
    """A marketplace on servers of its own."""

    stack: Stack
    postgres: PostgresServer
    rabbit: RabbitServer

    def rows(self, service: str, query: str) -> list[tuple[Any, ...]]:
        """Rows of one service's database."""
        url = with_database(self.postgres.url, f"microtasks_{service}")
        with closing(psycopg2.connect(url)) as connection:
            cursor = connection.cursor()
            cursor.execute(query)
            return list(cursor.fetchall())


@pytest.fixture
def private() -> Iterator[PrivateStack]:
    """Three processes of orders, two of messaging, one of each other, on private servers."""
    if not (PostgresServer.is_installed() and RabbitServer.is_installed()):
        missing = "not run: no installed PostgreSQL and RabbitMQ to restart"
        pytest.fail(missing) if os.environ.get("REQUIRE_SERVERS") == "1" else pytest.skip(missing)
    folder = Path(tempfile.mkdtemp(prefix="microtasks-restarts-"))
    postgres, rabbit = PostgresServer(folder / "postgres"), RabbitServer(folder / "rabbit")
    try:
        postgres.start()
        rabbit.start()
        database_url = with_database(postgres.url, "microtasks_{service}")
        settings = Settings(amqp_url=rabbit.url, database_url=database_url)
        with Stack(folder, settings) as stack:
            stack.migrate()
            stack.start_all(orders=3, messaging=2)
            yield PrivateStack(stack, postgres, rabbit)
    finally:
        rabbit.close()
        postgres.close()
        shutil.rmtree(folder, ignore_errors=True)


async def _walk_until(enough: asyncio.Event, url: str) -> int:
    walks = 0
    while not walks or not enough.is_set():
        await walk.whole_journey(url)
        walks += 1
    return walks


async def _restart_both_under_traffic(private: PrivateStack) -> int:
    enough = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        walkers = [group.create_task(_walk_until(enough, private.stack.url)) for _ in range(WALKERS)]
        for server in (private.rabbit, private.postgres):
            await asyncio.sleep(2)  # traffic, so that the fault meets work under way
            await asyncio.to_thread(server.stop)
            await asyncio.to_thread(server.start)
        await asyncio.sleep(2)
        await asyncio.gather(*(asyncio.to_thread(s.stop) for s in (private.rabbit, private.postgres)))
        await asyncio.gather(*(asyncio.to_thread(s.start) for s in (private.rabbit, private.postgres)))
        enough.set()
    return sum(walker.result() for walker in walkers)


@pytest.mark.servers
@pytest.mark.journey
@pytest.mark.xdist_group("restarts")
def test_journeys_pass_while_broker_and_database_are_killed_and_come_back(private: PrivateStack) -> None:
    walk.patience.set(PATIENCE_SECONDS)
    try:
        walks = asyncio.run(_restart_both_under_traffic(private))
        asyncio.run(walk.whole_journey(private.stack.url))
    except BaseException:
        print(private.stack.log_tails())  # noqa: T201
        raise
    assert walks >= WALKERS
    assert all(process.is_ready for process in private.stack.processes)
    eventually(lambda: not ledger.unconsumed(private.rows), 30, "every event reached every consumer")
    orders = private.rows("orders", "SELECT status, count(*) FROM orders GROUP BY status")
    assert orders == [(4, walks + 1)], "one order for each journey, all completed"
    assert ledger.failed(private.rows) == []
