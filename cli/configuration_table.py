"""`microtasks config`: every setting on the screen, or as JSON."""

import dataclasses
import json
from collections.abc import Iterable
from itertools import groupby

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cli.configuration import ENVIRONMENT, Configured, configured, problems

UNUSABLE = 2  # as for every command that meets a bad setting
WIDTH_OF_A_FILE = 160  # what rich takes for a terminal when there is none is too narrow


def show_configuration(only_changed: bool, as_json: bool) -> int:
    """Shows all settings, or those the environment changed; the exit code says whether all can be used."""
    shown = [one for one in configured() if not only_changed or one.origin == ENVIRONMENT]
    wrong = problems()
    if as_json:
        listed = [dataclasses.asdict(one) for one in shown]
        click.echo(json.dumps({"settings": listed, "problems": wrong}, indent=2))
    else:
        console = screen()
        for group, settings in groupby(shown, key=lambda one: one.group):
            console.print(_table(group, settings))
        if not shown:
            console.print("Every setting has its default.")
        for group, problem in wrong.items():
            console.print(f"[red]{escape(group)}: {escape(problem)}[/red]")
    return UNUSABLE if wrong else 0


def screen() -> Console:
    """A console for tables; into a file or a pipe it writes lines of a fixed width."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=WIDTH_OF_A_FILE)


def _table(group: str, settings: Iterable[Configured]) -> Table:
    table = Table(title=group, title_justify="left", title_style="bold", expand=True)
    table.add_column("setting", no_wrap=True)
    table.add_column("value", overflow="fold", ratio=2)
    table.add_column("from", no_wrap=True)
    table.add_column("default", overflow="fold", ratio=2)
    table.add_column("meaning", ratio=4)
    for one in settings:
        changed = one.origin == ENVIRONMENT
        style = "red" if one.problem else "bold" if changed else ""
        same = str(one.value) == str(one.default)
        default = "" if changed and same else str(one.default)
        cells = (one.name, str(one.value), one.origin, default, one.problem or one.meaning)
        table.add_row(*map(escape, cells), style=style)
    return table
