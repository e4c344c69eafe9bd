"""What the operators' commands print: tables for people, one JSON object for programs."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import click
from rich.table import Table

from cli.operations.audit_log import AuditEntry
from cli.support.durations import spoken
from cli.support.errors import CliError
from cli.support.terminal import screen, shown


def show_json(**members: Any) -> None:
    """One object in ASCII, so that no terminal obeys it; dataclasses become objects in it."""
    click.echo(json.dumps(members, indent=2, default=_plain))


def show_table(columns: Sequence[str], rows: Iterable[Sequence[object]], if_none: str) -> None:
    """A table, or the words for an empty one. Columns that end in a star may wrap."""
    console = screen()
    listed = [[shown(cell) for cell in row] for row in rows]
    if not listed:
        console.print(if_none)
        return
    table = Table()
    for column in columns:
        wraps = column.endswith("*")
        table.add_column(column.rstrip("*"), overflow="fold", no_wrap=not wraps, ratio=1 if wraps else None)
    for row in listed:
        table.add_row(*row)
    console.print(table)


def show_members(members: Mapping[str, Any]) -> None:
    """One thing, a line to each of its members; what is no text as JSON."""
    console = screen()
    for name, value in members.items():
        written = (
            value
            if isinstance(value, str)
            else json.dumps(value, indent=2, ensure_ascii=False, default=_plain)
        )
        console.print(f"[bold]{shown(name)}[/bold]: {shown(written)}", soft_wrap=True)
    console.print()


def show_lines(head: str, *lines: str) -> None:
    """A head, and below it what belongs to it."""
    console = screen()
    console.print(f"[bold]{shown(head)}[/bold]", soft_wrap=True)
    for line in lines:
        console.print(f"    {shown(line)}", soft_wrap=True)


def show_entries(entries: Sequence[AuditEntry], dry_run: bool, as_json: bool) -> None:
    """What was done, or would be. Raises: CliError when something of it could not be done."""
    undone = not dry_run and not all(entry.done for entry in entries)
    entries = [replace(entry, done=entry.done and not dry_run) for entry in entries]
    if as_json:
        show_json(dry_run=dry_run, acts=entries)
    else:
        _show_entries(entries, dry_run)
    if undone:
        raise CliError("Not everything was done.")


def _show_entries(entries: Sequence[AuditEntry], dry_run: bool) -> None:
    rows = ((entry.service, entry.act, entry.subject, entry.outcome) for entry in entries)
    show_table(("service", "act", "subject", "outcome*"), rows, "Nothing to do.")
    if dry_run and entries:
        screen().print("Nothing was changed: this was a dry run.")


def first_line(text: str) -> str:
    """The beginning of a long text."""
    line = text.partition("\n")[0]
    return line if len(line) <= 200 else f"{line[:199]}…"


def age(since: str | None) -> str:
    """How long ago an API time was."""
    if since is None:
        return "–"
    return spoken((datetime.now(UTC) - datetime.fromisoformat(since)).total_seconds())


def _plain(value: Any) -> Any:
    return asdict(value) if hasattr(value, "__dataclass_fields__") else str(value)
