"""Too much at once: every worker and every database connection of a service is taken."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager

import aiohttp
import psycopg2
import pytest

from tests.faults.load.users import User
from tests.faults.support.laboratory import Laboratory, Scene
from tests.support.stack import Process

FEW = {"RPC_WORKERS": "3", "EVENT_WORKERS": "2", "DATABASE_POOL_SIZE": "2"}
CROWD = 60
LOCKED_SECONDS = 8.0
ANSWERED_WITHIN = 15.0  # the deadline of 5 s, on a machine that also makes the crowd


@contextmanager
def _locked(scene: Scene, service: str, table: str) -> Iterator[None]:
    """Nobody can read or write a table: every call and event that needs it is slow."""
    with closing(psycopg2.connect(scene.marketplace.database_url(service))) as connection:
        connection.cursor().execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield


async def _crowd(scene: Scene, path: str) -> None:
    """Many ask for the same at once; each is answered in time, with the answer or a 503 or 504."""
    signed = await _somebody(scene)
    statuses: Counter[int] = Counter()

    async def ask(http: aiohttp.ClientSession) -> None:
        began = time.monotonic()
        async with http.get(path) as answer:
            await answer.read()
        statuses[answer.status] += 1
        seconds = time.monotonic() - began
        assert seconds < ANSWERED_WITHIN, f"{answer.status} after {seconds:.1f} s"

    async with aiohttp.ClientSession(scene.marketplace.url, headers=signed) as http:
        await asyncio.gather(*(ask(http) for _ in range(CROWD)))
    assert statuses.keys() <= {200, 503, 504}, statuses


async def _somebody(scene: Scene) -> dict[str, str]:
    user = User(scene.marketplace.url, scene.marketplace.request_log)
    await user.arrive()
    await user.client.close()
    return user.client.connection.authorization()


async def _exhaust(service: str, table: str, path: str, scene: Scene) -> None:
    processes = scene.marketplace.stack.of(service)
    await _restart(scene, processes, FEW)
    give_up_at = time.monotonic() + LOCKED_SECONDS
    with _locked(scene, service, table):
        while time.monotonic() < give_up_at:
            await _crowd(scene, path)
    await _restart(scene, processes, {})


async def _restart(scene: Scene, processes: list[Process], settings: dict[str, str]) -> None:
    for process in processes:
        scene.marketplace.supervisor.hold(process)
        await asyncio.to_thread(process.kill)
        scene.marketplace.supervisor.start(process, **settings)
        await asyncio.to_thread(process.wait_until_ready)


@pytest.mark.faults
def test_orders_are_slow(laboratory: Laboratory) -> None:
    async def exhaust(scene: Scene) -> None:
        await _exhaust("orders", "orders", "/v1/orders?role=customer", scene)

    laboratory.run("orders: few workers and connections, its table locked", exhaust)


@pytest.mark.faults
def test_messaging_is_slow(laboratory: Laboratory) -> None:
    async def exhaust(scene: Scene) -> None:
        await _exhaust("messaging", "threads, notifications", "/v1/threads", scene)

    laboratory.run("messaging: few workers and connections, its tables locked", exhaust)


async def _sign_in_together(scene: Scene) -> None:
    """Hashing passwords is slow on purpose; the queue for it is bounded, and everybody gets in at last."""
    users = [User(scene.marketplace.url, scene.marketplace.request_log) for _ in range(20)]
    try:
        await asyncio.gather(*(user.arrive() for user in users))
    finally:
        for user in users:
            await user.client.close()


@pytest.mark.faults
def test_many_sign_up_and_in_at_once(laboratory: Laboratory) -> None:
    laboratory.run("20 people sign up and in at once", _sign_in_together)
