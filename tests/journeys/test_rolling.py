"""Every process in turn is stopped and started under traffic, and nobody notices."""

import asyncio
import os
from contextlib import closing, suppress
from typing import Any

import psycopg2

from kit.settings import Settings
from tests.journeys import ledger, walk
from tests.journeys.traffic import traffic
from tests.support.codebase import SERVICES
from tests.support.servers import eventually
from tests.support.stack import Stack

WALKERS = 3
PATIENCE_SECONDS = 60.0


async def _restart_each_under_traffic(stack: Stack) -> int:
    async with traffic(stack.url, WALKERS) as tally:
        for name in SERVICES:
            for process in stack.of(name):
                journeys, reads = tally.journeys, tally.reads
                await asyncio.to_thread(process.restart)
                print(  # noqa: T201
                    f"{process.label}: {tally.journeys - journeys} journeys, {tally.reads - reads} reads, "
                    f"the slowest {tally.take_slowest():.1f} s"
                )
    return tally.journeys


def test_each_process_restarts_under_traffic_without_one_failed_request(
    patient_stack: Stack, servers: Settings
) -> None:
    walk.patience.set(PATIENCE_SECONDS)

    def rows(service: str, query: str) -> list[tuple[Any, ...]]:
        with closing(psycopg2.connect(os.environ["DATABASE_URL"].format(service=service))) as connection:
            cursor = connection.cursor()
            cursor.execute(query)
            return list(cursor.fetchall())

    completed = "SELECT count(*) FROM orders WHERE status = 4"
    [(before,)] = rows("orders", completed)
    journeys = asyncio.run(_restart_each_under_traffic(patient_stack))
    with suppress(AssertionError):
        eventually(lambda: not ledger.unconsumed(rows), 30)
    assert ledger.unconsumed(rows) == set(), "every event reached every consumer"
    assert rows("orders", completed) == [(before + journeys,)]
    assert ledger.failed(rows) == []
