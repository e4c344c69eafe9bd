"""The gateway as a separate process, on a real broker."""

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aio_pika
import aiohttp
import pytest

from gateway.app import serving_metrics
from gateway.contracts import live_events
from kit.settings import Settings
from tests.gateway.amqp_testbed import until
from tests.gateway.testbed import ANNA, ORDER_ID, SESSION_ID, token
from tests.support.servers import free_port

pytestmark = pytest.mark.servers


class Process:
    """A gateway process and a client of it."""

    def __init__(
        self, process: asyncio.subprocess.Process, port: int, metrics: str, client: aiohttp.ClientSession
    ) -> None:
        self.process = process
        self.port = port
        self.metrics = metrics
        self.client = client
        self.headers = {"Authorization": f"Bearer {token(ANNA)}"}
        self.seen: set[int] = set()  # every status so far

    async def status(self, path: str) -> int:
        """Returns the status, or 0 without a response."""
        try:
            async with self.client.get(
                f"http://127.0.0.1:{self.port}{path}", headers=self.headers
            ) as response:
                self.seen.add(response.status)
                return int(response.status)
        except aiohttp.ClientError:
            self.seen.add(0)
            return 0


@asynccontextmanager
async def gateway_process(
    servers: Settings, repository: Path, prefix: str, **settings: str
) -> AsyncIterator[Process]:
    """Starts a gateway that is not ready yet."""
    port, metrics_port = free_port(), free_port()
    environment = {
        **os.environ,
        "AMQP_URL": servers.amqp_url,
        "BROKER_PREFIX": prefix,
        "GATEWAY_PORT": str(port),
        "METRICS_PORT": str(metrics_port),
        "RPC_DEADLINE_SECONDS": "3",
        "DRAIN_NOTICE_SECONDS": "0.5",
        **settings,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway.app", cwd=repository, env=environment, stdout=asyncio.subprocess.PIPE
    )
    async with aiohttp.ClientSession() as client:
        running = Process(process, port, f"http://127.0.0.1:{metrics_port}", client)
        try:
            yield running
        finally:
            if process.returncode is None:
                process.kill()
            await process.communicate()


@asynccontextmanager
async def declared_queues(servers: Settings, prefix: str) -> AsyncIterator[aio_pika.abc.AbstractChannel]:
    """Declares the exchanges that `migrate` declares, and the queue of orders."""
    connection = await aio_pika.connect(servers.amqp_url)
    async with connection, connection.channel() as channel:
        names = {f"{prefix}nameko-rpc", *(f"{prefix}{event.owner}.events" for event in live_events())}
        for name in names:
            await channel.declare_exchange(name, aio_pika.ExchangeType.TOPIC)
        queue = await channel.declare_queue(f"{prefix}rpc-orders", exclusive=True)
        await queue.bind(f"{prefix}nameko-rpc", "orders.*")
        yield channel
        for name in names:
            await channel.exchange_delete(name)


def test_it_starts_without_being_ready_serves_drains_and_stops_cleanly(
    servers: Settings, repository: Path
) -> None:
    prefix = f"{servers.broker_prefix}gwapp-"

    async def test() -> None:
        async with gateway_process(servers, repository, prefix) as gateway:
            await until(lambda: gateway.status("/healthz"), within=60)
            assert await gateway.status("/readyz") == 503  # no exchanges yet
            async with declared_queues(servers, prefix) as channel:
                await until(lambda: is_ready(gateway), within=60)
                await serve_with_delay(channel, prefix)
                await drain(gateway)

    asyncio.run(test())


def test_a_gateway_that_does_not_listen_yet_is_not_ready() -> None:
    port = free_port()
    settings = SimpleNamespace(metrics_host="127.0.0.1", metrics_port=port)
    gateway: Any = SimpleNamespace(settings=settings, is_ready=True, is_listening=False)

    async def readiness(client: aiohttp.ClientSession) -> int:
        async with client.get(f"http://127.0.0.1:{port}/readyz") as response:
            return response.status

    async def test() -> None:
        async with serving_metrics(gateway), aiohttp.ClientSession() as client:
            assert await readiness(client) == 503
            gateway.is_listening = True
            assert await readiness(client) == 200

    asyncio.run(test())


def test_it_listens_once_it_knows_the_revoked_sessions(servers: Settings, repository: Path) -> None:
    prefix = f"{servers.broker_prefix}gwknows-"

    async def test() -> None:
        async with declared_queues(servers, prefix) as channel:
            await sign_out_anna(channel, prefix)
            async with gateway_process(servers, repository, prefix) as gateway:
                await until(lambda: gateway.status(f"/v1/orders/{ORDER_ID}"), within=60)
                assert await gateway.status("/readyz") == 200
                assert await gateway.status(f"/v1/orders/{ORDER_ID}") == 401
                assert gateway.seen == {0, 200, 401}, "never 503, and never 200 for one who is signed out"

    asyncio.run(test())


async def sign_out_anna(channel: aio_pika.abc.AbstractChannel, prefix: str) -> None:
    """An accounts service that takes a second to list the revoked sessions."""
    exchange = await channel.get_exchange(f"{prefix}nameko-rpc")
    queue = await channel.declare_queue(f"{prefix}rpc-accounts", exclusive=True)
    await queue.bind(exchange, "accounts.*")
    ended = {"session_id": SESSION_ID, "expires_at": "2100-01-01T00:00:00Z"}
    await answer_after_a_second(exchange, queue, {"data": [ended]})


def test_a_second_signal_ends_it_at_once(servers: Settings, repository: Path) -> None:
    prefix = f"{servers.broker_prefix}gwtwice-"

    async def test() -> None:
        async with (
            declared_queues(servers, prefix) as channel,
            gateway_process(servers, repository, prefix, DRAIN_NOTICE_SECONDS="15") as gateway,
        ):
            await sign_out_anna(channel, prefix)
            await until(lambda: gateway.status("/healthz"), within=60)
            gateway.process.send_signal(signal.SIGTERM)
            await until(lambda: is_draining(gateway), within=5)
            gateway.process.send_signal(signal.SIGTERM)
            await asyncio.wait_for(gateway.process.wait(), 10)
            assert gateway.process.returncode == 128 + signal.SIGTERM

    asyncio.run(test())


async def is_draining(gateway: Process) -> bool:
    """Whether it listens and is draining."""
    return await gateway.status("/readyz") == 503


async def is_ready(gateway: Process) -> bool:
    """Whether it reports to be ready, on both ports."""
    async with gateway.client.get(gateway.metrics + "/readyz") as response:
        return response.status == await gateway.status("/readyz") == 200


async def serve_with_delay(channel: aio_pika.abc.AbstractChannel, prefix: str) -> None:
    """An orders service that takes a second."""
    exchange = await channel.get_exchange(f"{prefix}nameko-rpc")
    queue = await channel.get_queue(f"{prefix}rpc-orders")
    await answer_after_a_second(exchange, queue, {"id": "o", "version": 1})


async def answer_after_a_second(
    exchange: aio_pika.abc.AbstractExchange, queue: aio_pika.abc.AbstractQueue, result: dict[str, Any]
) -> None:
    """Answers every call with this result."""
    body = json.dumps({"result": result, "error": None, "replayed": False}).encode()

    async def answer(message: Any) -> None:
        await asyncio.sleep(1)
        await exchange.publish(
            aio_pika.Message(body, correlation_id=message.correlation_id), message.reply_to
        )

    await queue.consume(answer, no_ack=True)


async def drain(gateway: Process) -> None:
    """Sends SIGTERM while a request is in progress and a stream is open."""
    async with gateway.client.get(gateway.metrics + "/metrics") as response:
        assert re.search(r"^microtasks_http_requests_total{.*} \d", await response.text(), re.M)
    stream = await gateway.client.get(f"http://127.0.0.1:{gateway.port}/v1/events", headers=gateway.headers)
    assert stream.status == 200
    under_way = asyncio.create_task(gateway.status(f"/v1/orders/{ORDER_ID}"))
    await asyncio.sleep(0.2)
    gateway.process.send_signal(signal.SIGTERM)
    await asyncio.sleep(0.2)
    assert await gateway.status("/readyz") == 503
    assert await gateway.status("/healthz") == 200
    assert await under_way == 200
    assert b"retry" in await stream.content.read()
    output, _ = await asyncio.wait_for(gateway.process.communicate(), 10)
    assert gateway.process.returncode == 0
    assert token(ANNA).split(".")[1] not in output.decode()
    assert b'"event": "stopped"' in output
