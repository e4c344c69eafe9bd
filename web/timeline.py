"""Transitions and messages of an order in one line of time."""

from collections.abc import Sequence
from typing import Any, TypedDict

from client.resources import Message, OrderTransition
from web import moments


class Happening(TypedDict):
    """One entry: a message or a transition; `day` is set on the first of each day."""

    at: str
    message: Message | None
    transition: OrderTransition | None
    day: bool


def timeline(
    transitions: Sequence[OrderTransition],
    messages: Sequence[Message],
    is_oldest: bool,
    is_newest: bool,
    zone: str,
) -> list[Happening]:
    """Everything in order, oldest first.

    `messages` may be a part of all. Unless that part begins (`is_oldest`) or ends (`is_newest`) the
    thread, transitions before or after it belong to another part.
    """
    shown = list(transitions)
    if messages and not is_oldest:
        first = min(moments.parse(message["created_at"]) for message in messages)
        shown = [each for each in shown if moments.parse(each["created_at"]) >= first]
    if messages and not is_newest:
        last = max(moments.parse(message["created_at"]) for message in messages)
        shown = [each for each in shown if moments.parse(each["created_at"]) <= last]
    entries: list[Any] = [(each["created_at"], each, None) for each in shown]
    entries += [(message["created_at"], None, message) for message in messages]
    entries.sort(key=lambda entry: moments.parse(entry[0]))
    return _with_days(entries, zone)


def _with_days(entries: Sequence[Any], zone: str) -> list[Happening]:
    found: list[Happening] = []
    before = None
    for at, transition, message in entries:
        day = moments.parse(at).astimezone(moments.zone_of(zone)).date()
        found.append({"at": at, "message": message, "transition": transition, "day": day != before})
        before = day
    return found
