"""An upgrade to routing by outcome: processes that publish with the type alone, beside those of today."""

import asyncio
from collections import Counter
from contextlib import closing

import pytest

from chassis.amqp import topology
from services.orders.contract import ORDER_STATUS_CHANGED
from services.payments.contract import PAYMENT_CHANGED
from tests.faults.support.laboratory import Laboratory, Scene
from tests.faults.support.marketplace import Marketplace
from tests.support.codebase import ROOT
from tests.support.servers import broker_connection
from tests.support.stack import Process

RELEASE_BEFORE = str(ROOT / "tests" / "faults" / "support" / "release_before")
ROUTED = (ORDER_STATUS_CHANGED, PAYMENT_CHANGED)
MOST_STEPS = 40


class Tap:
    """Counts the keys that events are published with, on a queue of its own."""

    def __init__(self, marketplace: Marketplace) -> None:
        self._connection = broker_connection(marketplace.rabbit.url)
        self._channel = self._connection.channel()
        self._queue = self._channel.queue_declare("", exclusive=True).queue
        for event in ROUTED:
            exchange = topology.events_exchange(marketplace.settings, event.owner)
            self._channel.queue_bind(self._queue, exchange, f"{event.type}.#")
        self._keys: Counter[str] = Counter()

    def close(self) -> None:
        self._connection.close()

    def kinds(self) -> set[tuple[str, bool]]:
        """What was published so far: the type of an event, and whether its outcome ended the key."""
        while (message := self._channel.basic_get(self._queue, no_ack=True)) is not None:
            self._keys[message.delivery_info["routing_key"]] += 1
        return {(key.partition(".")[0], "." in key) for key in self._keys}


async def _replace(scene: Scene, process: Process, **environment: str) -> None:
    scene.marketplace.supervisor.hold(process)
    await asyncio.to_thread(process.stop)
    scene.marketplace.supervisor.start(process, **environment)
    await asyncio.to_thread(process.wait_until_ready)


async def _progress_until(scene: Scene, tap: Tap, kinds: set[tuple[str, bool]]) -> None:
    for _ in range(MOST_STEPS):
        if kinds <= await asyncio.to_thread(tap.kinds):
            return
        await scene.load.progress(5)
    raise AssertionError(f"not published: {kinds - tap.kinds()}")


async def _upgrade(scene: Scene) -> None:
    """One of two processes of orders and the only one of payments are old; then they are replaced."""
    old_orders, payments = scene.marketplace.stack.of("orders")[0], scene.marketplace.stack.of("payments")[0]
    for process in (old_orders, payments):
        await _replace(scene, process, PYTHONPATH=RELEASE_BEFORE)
    with closing(Tap(scene.marketplace)) as tap:
        orders = {(ORDER_STATUS_CHANGED.type, with_outcome) for with_outcome in (False, True)}
        await _progress_until(scene, tap, {*orders, (PAYMENT_CHANGED.type, False)})
        for process in (old_orders, payments):
            await _replace(scene, process)
        await _progress_until(scene, tap, {(PAYMENT_CHANGED.type, True)})


@pytest.mark.faults
def test_old_and_new_keys_side_by_side(laboratory: Laboratory) -> None:
    laboratory.run("old and new routing keys side by side", _upgrade)
