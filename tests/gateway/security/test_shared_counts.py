"""Two gateways on one broker share one limit."""

import asyncio
import contextlib
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import aio_pika
import aiohttp
import pytest
from aio_pika.abc import AbstractExchange
from structlog.testing import capture_logs

from chassis.amqp import topology
from gateway.app import build_app, serving
from gateway.security.rate_limits import WINDOW_SECONDS, WindowCounts
from gateway.security.shared_counts import MAX_AMOUNT, MAX_ENTRIES, SharedCounts
from gateway.settings import GatewaySettings
from gateway.state import GATEWAY
from gateway.upstream.connection import AmqpConnection
from gateway.upstream.event_feed import AmqpEventFeed
from gateway.upstream.rpc_client import AmqpRpcClient
from kit.settings import Settings, load
from services.registry import NAMES
from tests.gateway.amqp_testbed import until
from tests.gateway.examples import BODIES
from tests.support.network import Network

pytestmark = pytest.mark.servers
LIMIT = 6


@pytest.fixture
def settings(servers: Settings) -> Iterator[GatewaySettings]:
    """Settings of a gateway, with exchanges like those that `migrate` declares."""
    prefix = f"{servers.broker_prefix}sc{secrets.token_hex(3)}-"
    own = load(
        GatewaySettings,
        amqp_url=servers.amqp_url,
        broker_prefix=prefix,
        gateway_port=0,
        entrance_limit_per_minute=LIMIT,
        limit_share_seconds=0.05,
        rpc_deadline_seconds=0.5,
        drain_seconds=2.0,
    )
    topology.declare(own, NAMES, [])
    yield own
    asyncio.run(_remove(own))


async def _remove(settings: Settings) -> None:
    async with await aio_pika.connect(settings.amqp_url) as connection:
        channel = await connection.channel()
        for queue in topology.queue_names(settings, NAMES, []):
            await channel.queue_delete(queue)
        for exchange, _ in topology.exchanges(settings, NAMES):
            await channel.exchange_delete(exchange)


@contextlib.asynccontextmanager
async def counting(
    settings: GatewaySettings, url: str = ""
) -> AsyncIterator[tuple[WindowCounts, SharedCounts]]:
    """The counts of one gateway, shared."""
    counts = WindowCounts()
    shared = SharedCounts(settings, counts)
    broker = AmqpConnection(url or settings.amqp_url, shared)
    await broker.start()
    try:
        await until(lambda: broker.is_connected)
        yield counts, shared
    finally:
        await broker.stop()


@contextlib.asynccontextmanager
async def gateway(settings: GatewaySettings) -> AsyncIterator[tuple[aiohttp.ClientSession, WindowCounts]]:
    """A client of a gateway, and the counts of that gateway."""
    rpc, feed = AmqpRpcClient(settings), AmqpEventFeed(settings, [])
    app = build_app(settings, rpc, feed)
    shared = SharedCounts(settings, app[GATEWAY].rate_limits.counts)
    broker = AmqpConnection(settings.amqp_url, rpc, feed, shared)
    await broker.start()
    try:
        async with serving(app, settings) as runner:
            await until(lambda: shared.is_sharing)
            host, port = runner.addresses[0][:2]
            async with aiohttp.ClientSession(f"http://{host}:{port}") as client:
                yield client, app[GATEWAY].rate_limits.counts
    finally:
        await broker.stop()


def run(test: Callable[[], Awaitable[None]]) -> None:
    """Runs a coroutine with a timeout."""

    async def bounded() -> None:
        await asyncio.wait_for(test(), 30)

    asyncio.run(bounded())


def test_two_gateways_have_one_entrance_limit(settings: GatewaySettings) -> None:
    async def knock(client: aiohttp.ClientSession) -> int:
        async with client.post("/v1/sessions", json=BODIES["open_session"]) as response:
            return response.status

    async def test() -> None:
        async with gateway(settings) as (one, counts_of_one), gateway(settings) as (other, counts_of_other):
            for _ in range(LIMIT // 2):
                assert await knock(one) != 429
                assert await knock(other) != 429
            await until(lambda: counted(counts_of_one) == counted(counts_of_other) == LIMIT)
            # each was asked three times of six: only together they are through
            assert (await knock(one), await knock(other)) == (429, 429)

    def counted(counts: WindowCounts) -> float:
        return sum(counts.get(key) for key in list(counts._windows))

    run(test)


def test_counts_are_added_once_by_the_others_in_the_same_window(settings: GatewaySettings) -> None:
    async def test() -> None:
        async with (
            counting(settings) as (one, _),
            counting(settings) as (two, _),
            counting(settings) as (three, _),
        ):
            for _ in range(5):
                one.incr("a", WINDOW_SECONDS)
            two.incr("a", WINDOW_SECONDS)
            one.incr("b", 30)
            everyone = (one, two, three)
            await until(lambda: [c.get("a") for c in everyone] == [6] * 3 and three.get("b") == 1)
            assert abs(one.get_expiry("b") - three.get_expiry("b")) < 1
            one.incr("last", 30)
            await until(lambda: three.get("last") == 1)
            assert [counts.get("a") for counts in everyone] == [6] * 3

    run(test)


def test_after_a_lost_connection_counts_are_shared_again(settings: GatewaySettings) -> None:
    async def test() -> None:
        with Network(settings.amqp_url) as network:
            async with (
                counting(settings, network.url(settings.amqp_url)) as (one, shared),
                counting(settings) as (two, _),
            ):
                network.cut()
                await until(lambda: not shared.is_sharing)
                one.incr("meanwhile", 30)
                assert one.get("meanwhile") == 1, "it counts alone"
                await until(lambda: shared.is_sharing)
                one.incr("a", 30)
                await until(lambda: two.get("a") == 1)

    run(test)


def test_without_its_exchange_a_gateway_counts_alone(settings: GatewaySettings) -> None:
    async def test() -> None:
        async with await aio_pika.connect(settings.amqp_url) as connection:
            await (await connection.channel()).exchange_delete(topology.gateways_exchange(settings))
        with capture_logs() as logs:
            async with counting(settings) as (counts, shared):
                assert counts.incr("a", 30) == 1
                assert not shared.is_sharing
                assert counts.take_unshared() == [], "nothing piles up"
        assert [line["event"] for line in logs if line["event"] == "limits_not_shared"] == [
            "limits_not_shared"
        ]

    run(test)


async def publish(exchange: AbstractExchange, body: bytes) -> None:
    await exchange.publish(aio_pika.Message(body), "")


@pytest.mark.parametrize(
    "entries",
    [
        b"\xff", b"{}x", b"[" * 10_000, b'[["a", 30]]', b'[["a", "x", 1]]', b'[[1, 30, 1]]', b"7", b"[null]",
        b'[["a", 61, 1]]', b'[["a", -1, 1]]', b'[["a", 30, 0]]', b'[["a", NaN, 1]]',
        json.dumps([["a", 30, MAX_AMOUNT + 1]]).encode(), json.dumps([["x" * 201, 30, 1]]).encode(),
    ],
)  # fmt: skip
def test_malformed_counts_change_nothing(settings: GatewaySettings, entries: bytes) -> None:
    async def test() -> None:
        async with counting(settings) as (counts, _), await aio_pika.connect(settings.amqp_url) as connection:
            exchange = await (await connection.channel()).get_exchange(topology.gateways_exchange(settings))
            await publish(exchange, entries)
            await publish(exchange, b'[["good", 30, 2]]')
            await until(lambda: counts.get("good") == 2)
            assert list(counts._windows) == ["good"]

    run(test)


def test_many_counts_go_in_several_messages(settings: GatewaySettings) -> None:
    async def test() -> None:
        async with counting(settings) as (one, _), counting(settings) as (two, _):
            for number in range(2 * MAX_ENTRIES + 1):
                one.incr(f"2001:db8:{number:x}::/64", 30)
            await until(lambda: len(two._windows) == 2 * MAX_ENTRIES + 1)

    run(test)
