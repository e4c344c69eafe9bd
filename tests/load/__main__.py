"""`make load`: measures a marketplace of separate processes on servers of its own."""

import asyncio
import os
import sys
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from tests.load.marketplace import LoadMarketplace
from tests.load.plan import Options, Step, steps
from tests.load.processes import describe_machine, machine_cpu_seconds
from tests.load.reporting.pictures import draw
from tests.load.reporting.report import Report, load_report, table_of
from tests.load.reporting.targets import targets_table
from tests.load.scenarios import prepare

FOLDER = Path("build/load")
REDIRECTED_WIDTH = 150


@click.command()
@click.option("--seconds", default=10.0, show_default=True, help="How long each scenario runs.")
@click.option(
    "--stored", default=1_000_000, show_default=True, help="Orders stored for the last ones; 0: none."
)
@click.option("--streams", default=2000, show_default=True, help="Idle event streams; 0: no such scenario.")
@click.option("--calls", default=0, help="Cheap calls to watch memory over, such as 100,000; 0: none.")
@click.option("--only", multiple=True, help="Only this step, by its name.")
def main(seconds: float, stored: int, streams: int, calls: int, only: tuple[str, ...]) -> None:
    """Measures throughput, latency, CPU by process and memory, and writes build/load/."""
    console = Console(width=None if sys.stdout.isatty() else REDIRECTED_WIDTH)
    plan = steps(Options(seconds, stored, streams, calls))
    if unknown := set(only) - {step.name for step in plan}:
        raise click.UsageError(
            f"No such step: {', '.join(unknown)}; there are {', '.join(s.name for s in plan)}"
        )
    earlier = load_report(FOLDER / "report.json")
    report = asyncio.run(_run(console, [step for step in plan if not only or step.name in only]))
    console.print(table_of(report, earlier), targets_table(report))
    if earlier is not None:
        (FOLDER / "report.json").replace(FOLDER / "last-report.json")
    report.write(FOLDER / "report.json")
    for path in draw(report, FOLDER):
        console.print(f"Picture: {path}")


async def _run(console: Console, plan: list[Step]) -> Report:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress, LoadMarketplace() as market:
        task = progress.add_task("preparing", total=len(plan))
        async with prepare(market) as prepared:
            (busy, total), ours = machine_cpu_seconds(), _used(market)
            at_start = market.memory_mib()
            for step in plan:
                progress.update(task, description=step.name)
                await step.run(prepared)
                progress.advance(task)
            busy_now, total_now = machine_cpu_seconds()
            others = (busy_now - busy) - (_used(market) - ours)
            return Report(
                describe_machine(),
                tuple(prepared.measurements),
                market.memory_mib(),
                round(max(0.0, others) / (total_now - total) * 100, 1),
                at_start,
                prepared.facts,
            )


def _used(market: LoadMarketplace) -> float:
    """CPU of everything measured, of the load itself, and of programs that it started."""
    return sum(market.cpu().seconds.values()) + sum(os.times()[:4])


if __name__ == "__main__":
    main()
