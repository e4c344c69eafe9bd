"""`microtasks events`: what handlers could not take."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import click

from cli.support.errors import CliError
from cli.support.operator_options import audited_options, json_option, one_service, only_the_answer
from services.registry import NAMES

of_type = click.option("--type", "type_", help="Only events of this type, as order_status_changed.")
event_ids = click.argument("event_ids", type=click.UUID, nargs=-1, metavar="EVENT_ID...")


@click.group()
def events() -> None:
    """Events that a handler could not take: tried again by themselves, or parked."""
    only_the_answer()


@events.command("list")
@one_service("Only those that failed at this service.")
@of_type
@click.option("--parked", is_flag=True, help="Only those that are not tried any more.")
@json_option
def list_events(service: str | None, type_: str | None, parked: bool, as_json: bool) -> None:
    """Lists failed events, and the parked ones among them."""
    from cli.operations.failed_events import Choice
    from cli.support import display

    found = [event for event in _find(service, Choice(type=type_)) if event.parked or not parked]
    if as_json:
        without_body = [{name: value for name, value in vars(e).items() if name != "body"} for e in found]
        display.show_json(events=without_body)
        return
    columns = ("service", "event", "event id", "attempts", "state", "failed", "error*")
    rows = [
        (e.service, e.consumer, e.event_id, e.attempts, "parked" if e.parked else "tried again",
         display.age(e.failed_at), display.first_line(e.error))
        for e in found
    ]  # fmt: skip
    display.show_table(columns, rows, "No event has failed.")


@events.command("show")
@click.argument("event_id", type=click.UUID)
@one_service("Only where it failed at this service.")
@json_option
def show_event(event_id: UUID, service: str | None, as_json: bool) -> None:
    """Shows one failed event: its body and its whole error, at every service where it failed."""
    from cli.operations.failed_events import Choice
    from cli.support import display

    found = _find(service, Choice([str(event_id)]))
    if as_json:
        display.show_json(events=found)
    else:
        for event in found:
            display.show_members(vars(event))
    _complain_about_missing([event_id], {event.event_id for event in found})


@events.command("retry")
@event_ids
@click.option("--all", "all_of_them", is_flag=True, help="All that failed at --service.")
@one_service("Only where they failed at this service.")
@of_type
@audited_options()
@json_option
def retry_events(
    event_ids: tuple[UUID, ...], all_of_them: bool, service: str | None, type_: str | None, **how: Any
) -> None:
    """Has failed events tried again now, parked ones too; their attempts begin anew.

    The running service takes them by itself. Fix the cause first.
    """
    from cli.operations.failed_events import Choice, retry

    if all_of_them == bool(event_ids) or (all_of_them and service is None):
        raise click.UsageError("Name events by their ids, or say --all --service SERVICE.")
    _act(retry, Choice([str(e) for e in event_ids], type_), event_ids, service, **how)


@events.command("drop")
@click.argument("event_ids", type=click.UUID, nargs=-1, required=True, metavar="EVENT_ID...")
@one_service("Only where they failed at this service.")
@audited_options(reason_required=True)
@json_option
def drop_events(event_ids: tuple[UUID, ...], service: str | None, **how: Any) -> None:
    """Lets failed events go without their effect; the audit log stores their bodies."""
    from cli.operations.failed_events import Choice, drop

    _act(drop, Choice([str(e) for e in event_ids]), event_ids, service, **how)


def _find(service: str | None, choice: Any) -> list[Any]:
    from cli.operations.databases import opened
    from cli.operations.failed_events import find

    with opened() as databases:
        return find(databases, [service] if service else NAMES, choice)


def _act(act: Any, choice: Any, event_ids: Sequence[UUID], service: str | None, **how: Any) -> None:
    from cli.operations.audit_log import subjects
    from cli.operations.databases import opened
    from cli.support.display import show_entries

    with opened() as databases:
        entries = act(databases, [service] if service else NAMES, choice, how["reason"], how["dry_run"])
    show_entries(entries, how["dry_run"], how["as_json"])
    _complain_about_missing(event_ids, subjects(entries))


def _complain_about_missing(event_ids: Sequence[UUID], found: set[str]) -> None:
    missing = [str(event_id) for event_id in event_ids if str(event_id) not in found]
    if missing:
        raise CliError(f"No failed event has the id {', '.join(missing)}.")
