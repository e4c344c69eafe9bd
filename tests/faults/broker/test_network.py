"""The network to a server stands still, loses everything, is cut, is slow or forgets its connections."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from tests.faults.support.fragile_laboratory import Fragile
from tests.faults.support.laboratory import Scene
from tests.faults.support.outage import Outage
from tests.faults.support.time_limits import drained_within
from tests.support.network import Mode, Network

pytestmark = pytest.mark.faults
LONGER_THAN_DEADLINES = 8.0
LONGER_THAN_PATIENCE = 20.0  # a process gives a silent database up after three deadlines
CUTS = 5
SLOW_SECONDS = 0.08
HEARTBEATS_SECONDS = 30.0  # a client needs two to notice, the broker up to three


async def _away(network: Network, mode: Mode, seconds: float, scene: Scene) -> None:
    """The network is like this for a while."""
    outage = Outage(scene)
    await outage.prepare()
    network.become(mode)
    try:
        await asyncio.gather(outage.poll(), asyncio.sleep(seconds))
    finally:
        network.become(Mode.PASS)


async def _cut(network: Network, scene: Scene) -> None:
    """All connections are reset, again and again, while people go on."""
    for _ in range(CUTS):
        network.cut()
        await scene.load.progress(10)


async def _slow(network: Network, scene: Scene) -> None:
    """Everything takes longer, each way, and all have to connect anew."""
    network.delay(SLOW_SECONDS)
    network.cut()
    try:
        await scene.load.progress(20)
    finally:
        network.delay(0.0)


async def _forgotten(network: Network, scene: Scene) -> None:
    """Nobody is told that the open connections lead nowhere; only who opens a new one gets through."""
    network.forget()


async def _gateway_alone(fragile: Fragile, scene: Scene) -> None:
    """The gateway's own connection to the broker is half-open; services have theirs."""
    [gateway] = scene.marketplace.stack.of("gateway")
    with Network(scene.marketplace.rabbit.url) as network:
        scene.marketplace.supervisor.hold(gateway)
        await asyncio.to_thread(gateway.stop)
        scene.marketplace.supervisor.start(gateway, AMQP_URL=network.url(scene.marketplace.rabbit.url))
        await scene.load.progress(10)
        await _away(network, Mode.SWALLOW, LONGER_THAN_DEADLINES, scene)
        await scene.load.progress(10)
        scene.marketplace.supervisor.hold(gateway)
        await asyncio.to_thread(gateway.stop)
        scene.marketplace.supervisor.start(gateway)


Rows = dict[str, tuple[Callable[[Fragile], Network], float]]
SERVERS: Rows = {
    "broker": (lambda fragile: fragile.to_broker, LONGER_THAN_DEADLINES),
    "database": (lambda fragile: fragile.to_database, LONGER_THAN_PATIENCE),
}
to_each_server = pytest.mark.parametrize("server", SERVERS)


Fault = Callable[[Scene], Awaitable[None]]


def run(fragile: Fragile, name: str, fault: Fault, more_seconds: float = 0.0) -> None:
    fragile.laboratory.run(name, fault, lambda: more_seconds + drained_within())


@to_each_server
def test_half_open(fragile: Fragile, server: str) -> None:
    network, seconds = SERVERS[server]
    run(fragile, f"TCP to the {server} half-open", partial(_away, network(fragile), Mode.SWALLOW, seconds))


@to_each_server
def test_held_up(fragile: Fragile, server: str) -> None:
    network, seconds = SERVERS[server]
    run(fragile, f"TCP to the {server} held up", partial(_away, network(fragile), Mode.HOLD, seconds))


@to_each_server
def test_unreachable(fragile: Fragile, server: str) -> None:
    network, seconds = SERVERS[server]
    run(fragile, f"{server} unreachable", partial(_away, network(fragile), Mode.REFUSE, seconds))


@to_each_server
def test_cut_again_and_again(fragile: Fragile, server: str) -> None:
    run(fragile, f"TCP to the {server} cut, {CUTS} times", partial(_cut, SERVERS[server][0](fragile)))


@to_each_server
def test_slow(fragile: Fragile, server: str) -> None:
    run(fragile, f"TCP to the {server} slow", partial(_slow, SERVERS[server][0](fragile)))


@to_each_server
def test_open_connections_forgotten(fragile: Fragile, server: str) -> None:
    forgotten = partial(_forgotten, SERVERS[server][0](fragile))
    run(fragile, f"open TCP to the {server} forgotten", forgotten, HEARTBEATS_SECONDS)


def test_the_gateways_own_connection_half_open(fragile: Fragile) -> None:
    run(fragile, "TCP of the gateway to the broker half-open", partial(_gateway_alone, fragile))
