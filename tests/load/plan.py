"""The steps of a run: scenarios, and what is measured in other ways."""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.embedded.dev_process import DevProcess
from tests.load.held_back import held_back
from tests.load.replay import lifecycle_statements
from tests.load.reporting.report import Measurement
from tests.load.reporting.targets import (
    EMBEDDED_START,
    FEW,
    GROWTH,
    LIFECYCLES_REPLAYED,
    MANY,
    ONE_PROCESS,
    TWO_PROCESSES,
)
from tests.load.scenarios import (
    LIST_ORDERS,
    PLACE_ORDER,
    READ_ORDER,
    SCENARIOS,
    CheapCalls,
    Prepared,
    Scenario,
    whole_order,
)
from tests.load.stored_orders import store_orders
from tests.load.streams import event_streams

WARM_UP_SHARE = 0.2
FEW_ORDERS = 10_000
HELD_BACK_TO = 0.25  # of a core, so that two processes and all others have cores enough
EMBEDDED_STARTS = 3
SECONDS_PER_REPLAY = 0.3  # of a scenario's, for each of six databases
WITH_STORED_ORDERS = (READ_ORDER, LIST_ORDERS, PLACE_ORDER)


@dataclass(frozen=True)
class Options:
    """What the command line says."""

    seconds: float
    stored: int
    streams: int
    calls: int


@dataclass(frozen=True)
class Step:
    """A name, and what adds measurements and facts to what is prepared."""

    name: str
    run: Callable[[Prepared], Awaitable[None]]


def steps(options: Options) -> list[Step]:
    """All steps of a run, in their order: those that fill the databases come last."""
    seconds = options.seconds
    plan = [Step(s.name, partial(measure, scenario=s, name=s.name, seconds=seconds)) for s in SCENARIOS]
    if lifecycle_statements.pgbench_is_installed():
        plan.append(Step("statements", partial(_replay_statements, seconds=seconds * SECONDS_PER_REPLAY)))
    if options.streams:
        plan.append(Step("event streams", partial(_event_streams, seconds=seconds, idle=options.streams)))
    plan.append(Step("two processes", partial(_two_processes, seconds=seconds)))
    if options.calls:
        plan.append(Step("cheap calls", partial(_cheap_calls, calls=options.calls)))
    if options.stored:
        few = min(FEW_ORDERS, options.stored)
        plan.append(Step(FEW, partial(_with_stored, name=FEW, count=few, seconds=seconds)))
        plan.append(Step(MANY, partial(_with_stored, name=MANY, count=options.stored - few, seconds=seconds)))
    plan.append(Step("embedded start", _embedded_start))
    return plan


async def measure(
    prepared: Prepared, scenario: Scenario, name: str, seconds: float, warm_up: float = WARM_UP_SHARE
) -> None:
    """Runs a scenario, with a warm-up before, and adds its measurement with all CPU until it has drained."""
    market = prepared.market
    if warm_up:
        await scenario.run(prepared, seconds * warm_up)
    await asyncio.to_thread(market.wait_until_drained)
    before = market.cpu()
    sample = await scenario.run(prepared, seconds)
    ended = time.perf_counter()
    await asyncio.to_thread(market.wait_until_drained)
    drained_after = time.perf_counter() - ended
    used = market.cpu().since(before)
    prepared.measurements.append(Measurement.of(name, scenario.operation, sample, used, drained_after))


async def _event_streams(prepared: Prepared, seconds: float, idle: int) -> None:
    async def run(prepared: Prepared, seconds: float):  # type: ignore[no-untyped-def]
        return await event_streams(prepared, seconds, idle)

    scenario = Scenario("event streams", "commit to stream", run)
    await measure(prepared, scenario, scenario.name, seconds, warm_up=0)


async def _replay_statements(prepared: Prepared, seconds: float) -> None:
    market, loop = prepared.market, asyncio.get_running_loop()

    def one_order() -> None:
        asyncio.run_coroutine_threadsafe(whole_order(prepared), loop).result()
        market.wait_until_drained()

    recorded = await asyncio.to_thread(lifecycle_statements.record, market, one_order)
    with tempfile.TemporaryDirectory() as folder:
        replay = partial(lifecycle_statements.replays_per_second, market, recorded, seconds, Path(folder))
        prepared.facts[LIFECYCLES_REPLAYED] = round(await asyncio.to_thread(replay), 1)
    prepared.facts["transactions and reads of a lifecycle"] = recorded.count


async def _two_processes(prepared: Prepared, seconds: float) -> None:
    """The same reads with one and with two processes of orders, each held back to a part of a core."""
    stack = prepared.market.stack
    read = partial(measure, prepared, READ_ORDER, seconds=seconds)
    with held_back([process.pid for process in stack.of("orders")], HELD_BACK_TO):
        await read(name=ONE_PROCESS)
    [second] = stack.start("orders")
    await asyncio.to_thread(second.wait_until_ready)
    with held_back([process.pid for process in stack.of("orders")], HELD_BACK_TO):
        await read(name=TWO_PROCESSES)
    await asyncio.to_thread(second.stop)
    stack.processes.remove(second)


async def _cheap_calls(prepared: Prepared, calls: int) -> None:
    """Reads of orders and messages, and how much memory the processes hold more after them."""
    await CheapCalls(calls // 10).run(prepared)  # what caches and pools take, they take at once
    before = prepared.market.memory_mib()
    await CheapCalls(calls).run(prepared)
    after = prepared.market.memory_mib()
    for name, mib in after.items():
        prepared.facts[f"growth of {name}, MiB"] = round(mib - before[name], 1)
    prepared.facts[GROWTH] = max(prepared.facts[f"growth of {name}, MiB"] for name in after)


async def _with_stored(prepared: Prepared, name: str, count: int, seconds: float) -> None:
    await asyncio.to_thread(store_orders, prepared.market, count)
    for scenario in WITH_STORED_ORDERS:
        await measure(prepared, scenario, f"{scenario.name}, {name}", seconds)


async def _embedded_start(prepared: Prepared) -> None:
    """The median of some starts, each from an existing folder: the first start of all makes the database."""

    def start() -> float:
        with tempfile.TemporaryDirectory() as folder:
            dev = DevProcess(Path(folder))
            dev.start()
            dev.end()
            took = []
            for _ in range(EMBEDDED_STARTS):
                took.append(dev.start())
                dev.end()
            return sorted(took)[EMBEDDED_STARTS // 2]

    prepared.facts[EMBEDDED_START] = round(await asyncio.to_thread(start), 2)
