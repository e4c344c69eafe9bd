"""`microtasks outbox`: what services have published, and who has taken it."""

from datetime import datetime
from typing import Any

import click

from cli.support.durations import Moment, spoken
from cli.support.operator_options import audited_options, json_option, one_service, only_the_answer
from services.registry import NAMES, all_events

TYPES = sorted({event.type for event in all_events()})


@click.group()
def outbox() -> None:
    """Events that services recorded: sent or not, taken or not."""
    only_the_answer()


@outbox.command("status")
@one_service("Only this service's outbox.")
@json_option
def show_status(service: str | None, as_json: bool) -> None:
    """Shows what waits in the outboxes, and what was sent and is not taken, by consumer.

    Only events younger than RETENTION_DAYS are compared: inboxes forget older ones.
    """
    from cli.operations.databases import opened
    from cli.operations.outboxes import deliveries_of, outbox_of
    from cli.support.display import show_json

    services = [service] if service else NAMES
    with opened() as databases:
        outboxes = [outbox_of(databases, name) for name in services]
        deliveries = [delivery for name in services for delivery in deliveries_of(databases, name)]
    if as_json:
        show_json(outboxes=outboxes, deliveries=deliveries)
    else:
        _show(outboxes, deliveries)


def _show(outboxes: list[Any], deliveries: list[Any]) -> None:
    from cli.support.display import show_table

    show_table(
        ("outbox", "unsent", "oldest unsent", "sent in the last hour"),
        [(o.service, o.unsent, _age(o.oldest_unsent_seconds), o.sent_in_the_last_hour) for o in outboxes],
        "No service.",
    )
    columns = ("event", "consumer", "sent, not taken", "oldest", "failed", "parked")
    rows = [
        (f"{d.owner}.{d.type}", d.consumer, d.not_taken, _age(d.oldest_not_taken_seconds), d.failed, d.parked)
        for d in deliveries
    ]
    show_table(columns, rows, "No consumer.")


def _age(seconds: float | None) -> str:
    return "–" if seconds is None else spoken(seconds)


@outbox.command("replay")
@click.option("--since", type=Moment(), required=True,
              help="Events sent since then: 2026-11-26T01:30:00Z, or so long ago: 30m, 2h, 3d.")  # fmt: skip
@one_service("Only events of this service.")
@click.option("--type", "type_", type=click.Choice(TYPES), help="Only events of this type.")
@click.option("--consumer", type=click.Choice(NAMES), help="Only events that this service has not taken.")
@audited_options()
@json_option
def replay_events(
    since: datetime, service: str | None, type_: str | None, consumer: str | None, **how: Any
) -> None:
    """Has sent events published once more; who took them already ignores them.

    Without --consumer they go to everybody. Without --type only those that some service must take.
    Events so old that an inbox may have forgotten them stay.
    """
    from cli.operations.databases import opened
    from cli.operations.outboxes import ReplayFilter, replay
    from cli.support.display import show_entries

    dry_run, as_json = how["dry_run"], how["as_json"]
    services = [service] if service else NAMES
    with opened() as databases:
        entries = replay(databases, services, ReplayFilter(since, type_, consumer), how["reason"], dry_run)
    show_entries(entries, dry_run, as_json)
