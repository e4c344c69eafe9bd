"""Seeding with something to look at."""

import time

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from cli.demo.seeding import PATIENCE_SECONDS, GrantStaff, seed
from cli.support.terminal import Screen

REFRESH_SECONDS = 0.1


async def seed_with_progress(
    base_url: str,
    console: Screen,
    grant_staff: GrantStaff | None,
    patience_seconds: float = PATIENCE_SECONDS,
) -> None:
    """Makes the demo data and shows how far it is. Raises: Problem, Unreachable."""
    columns = (TextColumn("Demo data"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    # No thread refreshes it: inside the embedded marketplace a thread would be a greenlet, and block.
    with Progress(*columns, console=console, transient=True, auto_refresh=False) as progress:
        task = progress.add_task("seed", total=None)
        shown_at = 0.0

        def show(done: int, of: int) -> None:
            nonlocal shown_at
            due = time.monotonic() - shown_at > REFRESH_SECONDS
            shown_at = time.monotonic() if due else shown_at
            progress.update(task, completed=done, total=of, refresh=due)

        seeded = await seed(base_url, show, grant_staff, patience_seconds)
    console.print(
        f"Demo data: {seeded.people} people, {seeded.services} services and {seeded.orders} orders are there."
    )
