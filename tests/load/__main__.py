"""`make load`: measures a marketplace of separate processes on servers of its own."""

import asyncio
import os
import sys
import time
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from tests.load.draining import wait_until_drained
from tests.load.marketplace import LoadMarketplace
from tests.load.pictures import draw
from tests.load.processes import describe_machine, machine_cpu_seconds
from tests.load.report import Measurement, Report, load_report, table_of
from tests.load.scenarios import SCENARIOS, WITH_STORED_ORDERS, Prepared, Run, Scenario, prepare
from tests.load.stored_orders import store_orders
from tests.load.streams import event_streams

FOLDER = Path("build/load")
WARM_UP_SHARE = 0.2
REDIRECTED_WIDTH = 150
STREAMS = Scenario("event streams", "commit to stream", event_streams)


@click.command()
@click.option("--seconds", default=10.0, show_default=True, help="How long each scenario runs.")
@click.option(
    "--stored", default=1_000_000, show_default=True, help="Orders stored for the last ones; 0: none."
)
@click.option("--streams", default=2000, show_default=True, help="Idle event streams; 0: no such scenario.")
@click.option("--only", multiple=True, help="Only this scenario, by its name.")
def main(seconds: float, stored: int, streams: int, only: tuple[str, ...]) -> None:
    """Measures throughput, latency and CPU by process, and writes build/load/."""
    console = Console(width=None if sys.stdout.isatty() else REDIRECTED_WIDTH)
    report = asyncio.run(_run(console, seconds, stored, streams, only))
    earlier = load_report(FOLDER / "report.json")
    console.print(table_of(report, earlier))
    if earlier is not None:
        (FOLDER / "report.json").replace(FOLDER / "last-report.json")
    report.write(FOLDER / "report.json")
    for path in draw(report, FOLDER):
        console.print(f"Picture: {path}")


async def _run(console: Console, seconds: float, stored: int, streams: int, only: tuple[str, ...]) -> Report:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress, LoadMarketplace() as market:
        plan = [(s.name, s) for s in SCENARIOS]
        plan += [(STREAMS.name, STREAMS)] if streams else []
        plan += [(f"{s.name}, stored", s) for s in WITH_STORED_ORDERS] if stored else []
        plan = [(name, scenario) for name, scenario in plan if not only or name in only]
        task = progress.add_task("preparing", total=len(plan))
        prepared = await prepare(market)
        busy, total, ours = *machine_cpu_seconds(), _used(market)
        measurements, is_filled = [], False
        for name, scenario in plan:
            progress.update(task, description=name)
            if name.endswith(", stored") and not is_filled:
                progress.update(task, description=f"storing {stored:,} orders")
                await asyncio.to_thread(store_orders, market, stored)
                is_filled = True
            run = _with_streams(streams) if scenario is STREAMS else scenario.run
            measurements.append(await _measure(market, prepared, name, scenario.operation, run, seconds))
            progress.advance(task)
        busy_now, total_now = machine_cpu_seconds()
        others = (busy_now - busy) - (_used(market) - ours)
        return Report(
            describe_machine(),
            tuple(measurements),
            {name: round(mib, 1) for name, mib in market.memory_mib().items()},
            round(max(0.0, others) / (total_now - total) * 100, 1),
        )


def _with_streams(count: int) -> Run:
    return lambda prepared, seconds: event_streams(prepared, seconds, count)


async def _measure(
    market: LoadMarketplace,
    prepared: Prepared,
    name: str,
    operation: str,
    run: Run,
    seconds: float,
) -> Measurement:
    if operation != STREAMS.operation:
        await run(prepared, seconds * WARM_UP_SHARE)
    await asyncio.to_thread(wait_until_drained, market)
    before = market.cpu()
    sample = await run(prepared, seconds)
    ended = time.perf_counter()
    await asyncio.to_thread(wait_until_drained, market)
    return Measurement.of(name, operation, sample, market.cpu().since(before), time.perf_counter() - ended)


def _used(market: LoadMarketplace) -> float:
    """CPU of everything measured, and of the load itself."""
    return sum(market.cpu().seconds.values()) + sum(os.times()[:2])


if __name__ == "__main__":
    main()
