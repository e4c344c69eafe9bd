"""`microtasks orders`: one order, and a step by hand."""

from collections.abc import Iterator
from typing import Any

import click

from cli.support.operator_options import audited_options, json_option, only_the_answer
from services.orders.contract import TRANSITIONS

which_order = click.argument("order", metavar="ORDER")


@click.group()
def orders() -> None:
    """One order, by its id or its number (MT-100001)."""
    only_the_answer()


@orders.command("show")
@which_order
@json_option
def show_order(order: str, as_json: bool) -> None:
    """Shows an order as staff see it, and its history."""
    from cli.operations.databases import opened
    from cli.operations.orders import show_order as find_order
    from cli.support import display

    with opened() as databases:
        found = find_order(databases, order)
    if as_json:
        display.show_json(order=found)
        return
    history = found.pop("history")
    display.show_members(found)
    rows = [
        (s["sequence"], s["transition"], _from_to(s), _actor(s), s["reason"] or "", s["created_at"])
        for s in history
    ]
    display.show_table(("step", "transition", "status", "by", "reason*", "at"), rows, "No step.")


@orders.command("timeline")
@which_order
@json_option
def show_timeline(order: str, as_json: bool) -> None:
    """Shows each step of an order, its event, and which services have taken that, and when."""
    from cli.operations.databases import opened
    from cli.operations.orders import timeline_of
    from cli.support import display

    with opened() as databases:
        timeline = timeline_of(databases, order)
    if as_json:
        display.show_json(timeline=timeline)
        return
    for entry in timeline:
        display.show_lines(*_lines_of(entry))


@orders.command("transition")
@which_order
@click.argument("transition", type=click.Choice(TRANSITIONS))
@click.option("--as-staff", is_flag=True, help="Says that you act as staff; there is no other way.")
@click.option("--to-status", type=int, help="Where resolve_dispute leads: 2, 4 or 7.")
@click.option("--note", help="A note for the history.")
@audited_options(reason_required=True)
@json_option
def transition_order(
    order: str, transition: str, as_staff: bool, to_status: int | None, note: str | None, **how: Any
) -> None:
    """Takes an order one step on, as staff may: the same rules, history and events as everywhere.

    History and notifications name you (MICROTASKS_OPERATOR, else your account on this machine).
    """
    from cli.operations.databases import opened
    from cli.operations.orders import transition_order as take_step
    from cli.support.display import show_entries

    if not as_staff:
        raise click.UsageError("Say --as-staff: the history will show you as staff.")
    request = {"transition": transition, "reason": how["reason"], "note": note, "to_status": to_status}
    with opened() as databases:
        act = take_step(databases, order, request, how["dry_run"])
    show_entries([act], how["dry_run"], how["as_json"])


def _from_to(step: dict[str, Any]) -> str:
    return f"{'–' if step['from_status'] is None else step['from_status']} → {step['to_status']}"


def _actor(step: dict[str, Any]) -> str:
    return f"{step['actor']['display_name']} ({step['actor']['role']})"


def _lines_of(entry: Any) -> Iterator[str]:
    """A step in a few lines, the first of which is its head."""
    step = vars(entry)
    yield f"{entry.sequence} {entry.transition}: {_from_to(step)} by {_actor(step)} at {entry.created_at}"
    if entry.reason:
        yield f"reason: {entry.reason}"
    if entry.event_id is None:
        yield "event: forgotten, it is older than RETENTION_DAYS"
    else:
        yield f"event: {entry.event_id}, {f'sent {entry.sent_at}' if entry.sent_at else 'not sent'}"
    for taken in entry.taken:
        yield f"{taken.consumer}: {taken.state} {taken.at or ''}".rstrip()
