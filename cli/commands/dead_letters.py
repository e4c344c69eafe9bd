"""`microtasks dead-letters`: messages that no consumer could process."""

from collections.abc import Sequence
from typing import Any

import click

from cli.support.errors import CliError, handle_errors
from cli.support.operator_options import audited_options, json_option, one_service, only_the_answer
from services.registry import NAMES

letter_ids = click.argument("ids", nargs=-1, metavar="ID...")


@click.group("dead-letters")
def dead_letters() -> None:
    """Messages that no consumer could process, by service."""
    only_the_answer()


@dead_letters.command("list")
@one_service("Only this service's.")
@json_option
def list_letters(service: str | None, as_json: bool) -> None:
    """Lists dead letters: what they are, why they are there, and if this release would accept them."""
    from cli.support import display

    letters = [letter for letter, _ in _find(service)]
    if as_json:
        display.show_json(dead_letters=letters)
        return
    columns = ("service", "id", "what", "died", "reason*", "now*", "begins*")
    rows = [
        (x.service, x.id, f"{x.kind} {x.name}".strip(), display.age(x.died_at), display.first_line(x.reason),
         f"refused: {display.first_line(x.refused)}" if x.refused else "would be taken", x.beginning)
        for x in letters
    ]  # fmt: skip
    display.show_table(columns, rows, "No dead letter.")


@dead_letters.command("show")
@click.argument("id_", metavar="ID")
@one_service("Only this service's.")
@json_option
def show_letter(id_: str, service: str | None, as_json: bool) -> None:
    """Shows one dead letter: its headers and its body, without passwords and tokens."""
    from cli.operations.broker import text_in
    from cli.operations.dead_letter_message import without_secrets
    from cli.support import display

    found = _find(service, [id_])
    _complain_about_missing([id_], {letter.id for letter, _ in found})
    for letter, message in found[:1]:
        whole = {"headers": message.headers or {}, "body": without_secrets(text_in(message))}
        members = {name: value for name, value in vars(letter).items() if name != "beginning"} | whole
        if as_json:
            display.show_json(dead_letter=members)
        else:
            display.show_members(members)


@dead_letters.command("replay")
@letter_ids
@click.option("--all", "all_of_them", is_flag=True, help="All of them, or all of --service.")
@one_service("Only this service's.")
@click.option("--anyway", is_flag=True, help="Also those that this release would refuse.")
@audited_options()
@json_option
def replay_letters(
    ids: tuple[str, ...], all_of_them: bool, service: str | None, anyway: bool, **how: Any
) -> None:
    """Sends dead letters back to the queue that dead-lettered them, and removes those that arrived.

    What this release would refuse again stays. Calls are made again without their caller's access
    token, and the answer is shown.
    """
    from cli.operations.dead_letters import replay

    if all_of_them == bool(ids):
        raise click.UsageError("Name dead letters by their ids, or say --all.")
    _act(replay, ids, service, anyway=anyway, **how)


@dead_letters.command("drop")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@one_service("Only this service's.")
@audited_options(reason_required=True)
@json_option
def drop_letters(ids: tuple[str, ...], service: str | None, **how: Any) -> None:
    """Removes dead letters that are no longer needed; the audit log stores their bodies."""
    from cli.operations.dead_letters import drop

    _act(drop, ids, service, **how)


def _find(service: str | None, ids: Sequence[str] = ()) -> Any:
    from cli.operations.dead_letters import find
    from kit.settings import Settings, load

    with handle_errors():
        return find(load(Settings), [service] if service else NAMES, ids)


def _act(act: Any, ids: Sequence[str], service: str | None, as_json: bool, **how: Any) -> None:
    from cli.operations.audit_log import subjects
    from cli.operations.databases import opened
    from cli.operations.dead_letters import Wanted
    from cli.support.display import show_entries

    with opened() as databases:
        entries = act(databases, Wanted([service] if service else NAMES, ids, **how))
    show_entries(entries, how["dry_run"], as_json)
    _complain_about_missing(ids, subjects(entries))


def _complain_about_missing(ids: Sequence[str], found: set[str]) -> None:
    missing = [id_ for id_ in ids if id_ not in found]
    if missing:
        raise CliError(f"No dead letter has the id {', '.join(missing)}.")
