"""Measures how databases and latencies grow with the orders that are stored: 10,000, 100,000, 1,000,000."""

import asyncio
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import click
from rich.console import Console
from sqlalchemy import Engine, create_engine, text

from services.registry import NAMES
from tests.load.growth.cloning import RETAINED_FOR_DAYS, Sample
from tests.load.marketplace import LoadMarketplace
from tests.load.plan import WITH_STORED_ORDERS, measure
from tests.load.scenarios import Prepared, prepare, whole_order

FOLDER = Path("build/load")
COUNTS = (10_000, 100_000, 1_000_000)
SAMPLE_ORDERS, MESSAGES_OF_ORDER, AT_ONCE = 200, 4, 4
ALL_ROWS_UP_TO = 100_000  # beyond it tables whose rows are removed after some days are left as they are
LEAST_BYTES = 20  # of an order; smaller tables do not grow with orders
_SIZES = text("""
    SELECT relname, pg_table_size(oid) AS table_bytes, pg_indexes_size(oid) AS index_bytes,
           CAST(greatest(reltuples, 0) AS bigint) AS rows
    FROM pg_class WHERE relkind = 'r' AND relnamespace = CAST('public' AS regnamespace)
    ORDER BY pg_total_relation_size(oid) DESC
""")


@click.command()
@click.option("--seconds", default=10.0, show_default=True, help="How long each scenario runs.")
@click.option("--most", default=COUNTS[-1], show_default=True, help="Stop at so many orders.")
def main(seconds: float, most: int) -> None:
    """Prints sizes and latencies, and writes them to build/load/growth.md."""
    lines = asyncio.run(_run(seconds, most, Console(stderr=True)))
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "growth.md").write_text("\n".join([*lines, ""]))
    sys.stdout.write("\n".join([*lines, ""]))


async def _run(seconds: float, most: int, console: Console) -> list[str]:
    with LoadMarketplace() as market:
        async with prepare(market) as prepared:
            console.print(f"{SAMPLE_ORDERS} whole orders")
            await _make_sample(prepared)
            await asyncio.to_thread(market.wait_until_drained)
            engines = {name: create_engine(_url(market, name)) for name in NAMES}
            samples = {name: Sample(engine) for name, engine in engines.items()}
            lines, stored = [], SAMPLE_ORDERS
            for count in (count for count in COUNTS if count <= most):
                console.print(f"{count:,} orders")
                leave_out = RETAINED_FOR_DAYS if count > ALL_ROWS_UP_TO else ()
                copies = (stored // SAMPLE_ORDERS, count // SAMPLE_ORDERS - 1)
                for sample in samples.values():
                    await asyncio.to_thread(partial(sample.clone, *copies, leave_out))
                stored = count
                for scenario in WITH_STORED_ORDERS:
                    await measure(prepared, scenario, f"{scenario.name}, {count:,}", seconds)
                lines += [f"## {count:,} orders", "", *_sizes(engines, count, leave_out), ""]
            return [*lines, *_latencies(prepared)]


async def _make_sample(prepared: Prepared) -> None:
    gate = asyncio.Semaphore(AT_ONCE)

    async def one() -> None:
        async with gate:
            order_id = await whole_order(prepared)
            for number in range(MESSAGES_OF_ORDER):
                author = (prepared.customer, prepared.provider)[number % 2]
                await author.client.post_message(order_id, "Thank you, that is just what I wanted.")

    async with asyncio.TaskGroup() as group:
        for _ in range(SAMPLE_ORDERS):
            group.create_task(one())


def _url(market: LoadMarketplace, name: str) -> str:
    return market.database_url(name).replace("postgresql://", "postgresql+psycopg2://")


def _sizes(engines: dict[str, Engine], orders: int, leave_out: tuple[str, ...]) -> Iterator[str]:
    yield "| database | table | rows per order | bytes per order: table | indexes |"
    yield "|---|---|---|---|---|"
    for name, engine in engines.items():
        with engine.connect() as connection:
            for table in connection.execute(_SIZES):
                total = (table.table_bytes + table.index_bytes) / orders
                if table.relname not in leave_out and total >= LEAST_BYTES:
                    yield (
                        f"| {name} | {table.relname} | {table.rows / orders:.1f} "
                        f"| {table.table_bytes / orders:.0f} | {table.index_bytes / orders:.0f} |"
                    )


def _latencies(prepared: Prepared) -> Iterator[str]:
    yield "| work, orders stored | p50 ms | p99 ms | our CPU ms | database CPU ms |"
    yield "|---|---|---|---|---|"
    for measured in prepared.measurements:
        database = measured.cpu_ms["database"]
        yield (
            f"| {measured.scenario} | {measured.p50_ms:.1f} | {measured.p99_ms:.1f} "
            f"| {measured.application_cpu_ms:.2f} | {database:.2f} |"
        )


if __name__ == "__main__":
    main()
