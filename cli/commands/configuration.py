"""`microtasks config`: every setting on the screen, or as JSON."""

import dataclasses
import json
from collections.abc import Iterable
from itertools import groupby

import click
from rich.table import Table

from cli.operations.configuration import ENVIRONMENT, Configured, configured, problems
from cli.support.terminal import screen, shown

UNUSABLE = 2  # as for every command that meets a bad setting


def show_configuration(only_changed: bool, as_json: bool) -> int:
    """Shows all settings, or those the environment changed; the exit code says whether all can be used."""
    chosen = [one for one in configured() if not only_changed or one.origin == ENVIRONMENT]
    wrong = problems()
    if as_json:
        listed = [dataclasses.asdict(one) for one in chosen]
        click.echo(json.dumps({"settings": listed, "problems": wrong}, indent=2))
    else:
        console = screen()
        for group, settings in groupby(chosen, key=lambda one: one.group):
            console.print(_table(group, settings))
        if not chosen:
            console.print("Every setting has its default.")
        for group, problem in wrong.items():
            console.print(f"[red]{shown(group)}: {shown(problem)}[/red]")
    return UNUSABLE if wrong else 0


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
        table.add_row(*map(shown, cells), style=style)
    return table
