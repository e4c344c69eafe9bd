"""The journey on the screen, step by step, or as lines of JSON."""

import asyncio
import dataclasses
import json
import time
from collections.abc import Callable

import click
from rich.table import Table

from cli.journey.people import NotificationMissing
from cli.journey.play import Show, Step, play
from cli.support.errors import CliError
from cli.support.terminal import screen, shown
from client import Problem, Unreachable

WHO_WIDTH, STATUS_WIDTH = 16, 17
End = Callable[[str | None, float], None]


def show_journey(url: str, patience_seconds: float, as_json: bool) -> None:
    """Plays the journey and shows it as it happens.

    Raises: CliError when it could not be played to its end.
    """
    show, end = (_lines_of_json if as_json else _on_screen)()
    began = time.monotonic()
    try:
        asyncio.run(play(url, patience_seconds, show))
    except (Problem, Unreachable, NotificationMissing) as error:
        end(str(error), time.monotonic() - began)
        raise CliError(f"The journey ended early. {error}") from error
    end(None, time.monotonic() - began)


def _lines_of_json() -> tuple[Show, End]:
    def show(step: Step) -> None:
        click.echo(json.dumps(dataclasses.asdict(step)))

    def end(problem: str | None, seconds: float) -> None:
        result = "ok" if problem is None else "failed"
        click.echo(json.dumps({"result": result, "problem": problem, "seconds": round(seconds, 2)}))

    return show, end


def _on_screen() -> tuple[Show, End]:
    console, number = screen(), 0

    def show(step: Step) -> None:
        nonlocal number
        number += 1
        console.print(_line(number, step))

    def end(problem: str | None, seconds: float) -> None:
        if problem is None:
            console.print(f"[green]The whole journey in {number} steps and {seconds:.1f} s.[/green]")

    return show, end


def _line(number: int, step: Step) -> Table:
    line = Table.grid(padding=(0, 1), expand=True)
    line.add_column(width=3, justify="right", style="dim")
    line.add_column(width=WHO_WIDTH)
    line.add_column(ratio=3)
    line.add_column(width=STATUS_WIDTH, style="bold")
    line.add_column(ratio=2, style="cyan")
    status = "" if step.status is None else f"{step.status} {step.label}"
    notified = (
        "" if step.told is None else f"{step.told} is notified: {step.notification} ({step.seconds:.2f} s)"
    )
    line.add_row(str(number), *map(shown, (f"{step.who} ({step.role})", step.did, status, notified)))
    return line
