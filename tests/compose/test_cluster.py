"""RabbitMQ as three nodes: any of them dies, freezes or is cut off under load, and nothing is lost.

`make cluster-test` runs it.
"""

import asyncio
import os
import random
from collections.abc import Callable, Iterator
from random import Random

import pytest

from tests.compose.cluster import NODES, Callers, Cluster, DatabaseReader
from tests.compose.project import say
from tests.faults.checker import consistency
from tests.faults.checker.finding import Evidence
from tests.faults.load.generator import Load
from tests.faults.support.laboratory import reported
from tests.journeys.ledger import unconsumed
from tests.support.servers import eventually

pytestmark = pytest.mark.cluster
PATIENCE_SECONDS = 300.0
MOST_SECONDS = 30.0  # without an answer, when a node died
MOST_SECONDS_APART = 150.0  # when nodes that live lost each other: to agree again, some start anew
DEADLINE_SECONDS = 5.0
SEED = int(os.environ.get("FAULTS_SEED") or random.SystemRandom().randrange(10**6))
MONEY_UNDER_WAY = " UNION ALL ".join(
    f"SELECT id FROM {table} WHERE status = 'processing'" for table in ("payments", "refunds", "payouts")
)
LATE = "'late', durable=True, auto_delete=False, arguments={'x-queue-type': 'quorum'}"
AS_OPERATOR = """
import os, amqp
c = amqp.Connection("rabbitmq:5672", "operator", os.environ["RABBITMQ_PASSWORD"])
c.connect()
c.channel().queue_{act}
"""


@pytest.fixture(scope="module")
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """Built and up; down at the end, with its data."""
    cluster = Cluster()
    cluster.down()
    say(f"building the image; FAULTS_SEED={SEED}")
    cluster.compose("build", within=900)
    try:
        say(f"healthy after {cluster.up():.0f} s")
        yield cluster
        if request.session.testsfailed:
            say(cluster.logs())
    finally:
        say("bringing it down")
        cluster.down()


def test_every_shared_queue_has_a_member_on_each_node(cluster: Cluster) -> None:
    assert {queue["type"] for queue in cluster.shared_queues().values()} == {"quorum"}
    eventually(cluster.is_whole, PATIENCE_SECONDS, "the page of the nodes knows everything")
    assert set(cluster.leads()) == set(NODES), "leaders are spread"


def kill(cluster: Cluster, node: str) -> None:
    cluster.compose("kill", node)


def start(cluster: Cluster, node: str) -> None:
    cluster.compose("start", node)


def freeze(cluster: Cluster, node: str) -> None:
    cluster.compose("pause", node)


def thaw(cluster: Cluster, node: str) -> None:
    cluster.compose("unpause", node)


Fault = Callable[[Cluster, str], None]


@pytest.mark.parametrize(
    ("hurt", "repair", "node", "most_seconds"),
    [
        (kill, start, "broker-1", MOST_SECONDS),
        (kill, start, "broker-2", MOST_SECONDS),
        (kill, start, "broker-3", MOST_SECONDS),
        (freeze, thaw, "broker-1", MOST_SECONDS_APART),
        (Cluster.cut_off, Cluster.connect, "broker-2", MOST_SECONDS_APART),
    ],
)
def test_any_node_may_be_lost_under_load(
    cluster: Cluster, hurt: Fault, repair: Fault, node: str, most_seconds: float
) -> None:
    cluster.spread_leaders()
    eventually(lambda: cluster.leads()[node] > 0, PATIENCE_SECONDS, "it leads, so that its loss counts")
    led = cluster.leads()[node]

    async def lose_it() -> None:
        async with Load(cluster.url, cluster.request_log, Random(SEED)) as load, Callers(cluster) as callers:
            await load.progress(20, PATIENCE_SECONDS)
            await asyncio.to_thread(hurt, cluster, node)
            await load.progress(60, PATIENCE_SECONDS)
            without = dict(callers.longest)
            await asyncio.to_thread(repair, cluster, node)
            await asyncio.to_thread(eventually, cluster.is_whole, PATIENCE_SECONDS, "the node is back")
            await load.progress(20, PATIENCE_SECONDS)
        say(f"{node}, which led {led} queues: {hurt.__name__}, {load.acknowledged} acknowledged")
        say(f"longest without an answer: {_seconds(without)}; with its return: {_seconds(callers.longest)}")
        assert max(callers.longest.values()) < most_seconds

    asyncio.run(lose_it())
    nothing_is_lost(cluster)


def _seconds(longest: dict[str, float]) -> str:
    return ", ".join(f"{service} {seconds:.1f} s" for service, seconds in sorted(longest.items()))


@pytest.mark.parametrize(
    ("lost", "first_back", "refused"),
    [
        (NODES[1:], NODES[1:2], {503, 504}),  # the node that is left takes calls, for a queue that may answer
        (NODES, NODES, {503}),  # after a common end a node may wait for the one that ended last
    ],
    ids=["two", "three"],
)
def test_without_a_majority_calls_are_refused_in_time_and_it_recovers(
    cluster: Cluster, lost: tuple[str, ...], first_back: tuple[str, ...], refused: set[int]
) -> None:
    async def lose_them() -> None:
        async with Load(cluster.url, cluster.request_log, Random(SEED)) as load, Callers(cluster) as callers:
            await load.progress(20, PATIENCE_SECONDS)
            await asyncio.to_thread(cluster.compose, "kill", *lost)
            refusals = [await callers.refusal() for _ in range(5)]
            say(f"without {len(lost)} nodes: {', '.join(f'{s} in {took:.1f} s' for s, took in refusals)}")
            assert all(took < DEADLINE_SECONDS + 5 for _, took in refusals)  # in time on a busy machine
            assert refusals[-1][0] in refused
            await asyncio.to_thread(cluster.compose, "start", *first_back)
            await load.progress(20, PATIENCE_SECONDS)
            await asyncio.to_thread(cluster.compose, "start", *lost)
            await asyncio.to_thread(eventually, cluster.is_whole, PATIENCE_SECONDS, "all nodes are back")

    asyncio.run(lose_them())
    nothing_is_lost(cluster)


def nothing_is_lost(cluster: Cluster) -> None:
    """Every event reached everybody, and the ledger agrees with the request log."""
    with DatabaseReader(cluster) as reader:
        rows = reader.rows
        eventually(
            lambda: not rows("payments", MONEY_UNDER_WAY) and not unconsumed(rows),
            PATIENCE_SECONDS,
            "money that was asked for moved, and every event reached every consumer",
        )
        findings = consistency.check(Evidence(rows, cluster.request_log))
    assert not findings, reported(findings)
    acknowledged = cluster.request_log.count("acknowledged")
    say(
        f"{len(cluster.request_log.attempts)} attempted, {acknowledged} acknowledged, none lost, none doubled"
    )


def test_a_queue_that_is_declared_while_a_node_is_away_has_its_member_there_later(cluster: Cluster) -> None:
    cluster.compose("kill", "broker-3")
    cluster.as_operator(AS_OPERATOR.format(act=f"declare({LATE})"))
    eventually(
        lambda: len(_online_members_of_late(cluster)) == 2, PATIENCE_SECONDS, "the queue, without the node"
    )
    cluster.compose("start", "broker-3")
    eventually(lambda: len(_online_members_of_late(cluster)) == 3, PATIENCE_SECONDS, "the third member")
    cluster.as_operator(AS_OPERATOR.format(act="delete('late')"))


def _online_members_of_late(cluster: Cluster) -> list[str]:
    _, queues = cluster.ask("broker-1")
    return next((queue.get("online", []) for queue in queues if queue["name"] == "late"), [])
