"""`microtasks queues`: what waits at the broker."""

import click

from cli.support.durations import spoken
from cli.support.operator_options import json_option, one_service, only_the_answer
from services.registry import NAMES


@click.command()
@one_service("Only this service's.")
@json_option
def queues(service: str | None, as_json: bool) -> None:
    """Shows every queue: what waits, who reads it, how old the oldest is, and what is wrong.

    `ready` waits to be read. Of events, `not taken` were sent and have had no effect yet: waiting,
    or being worked on. The exit code says nothing about them; `microtasks doctor` judges.
    """
    from cli.operations.databases import opened
    from cli.operations.queues import examine_queues
    from cli.support.display import show_json, show_table

    only_the_answer()
    with opened() as databases:
        states = list(examine_queues(databases, [service] if service else NAMES))
    if as_json:
        show_json(queues=states)
        return
    rows = [
        (s.queue, _known(s.ready), _known(s.consumers), _known(s.not_taken),
         "–" if s.oldest_seconds is None else spoken(s.oldest_seconds), s.wrong)
        for s in states
    ]  # fmt: skip
    show_table(("queue*", "ready", "consumers", "not taken", "oldest", "wrong*"), rows, "No queue.")


def _known(number: int | None) -> str:
    return "–" if number is None else str(number)
