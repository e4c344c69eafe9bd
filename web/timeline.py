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
    until: str | None,
    zone: str,
) -> list[Happening]:
    """Everything in order, oldest first.

    `messages` may be a part of all: the parts share the transitions between them. A part that does not
    begin the thread (`is_oldest`) shows those since its first message, and one that has a later
    part those before `until`, the time of that part's first message.
    """
    shown = list(transitions)
    if messages and not is_oldest:
        first = min(moments.parse(message["created_at"]) for message in messages)
        shown = [each for each in shown if moments.parse(each["created_at"]) >= first]
    if until is not None:
        last = moments.parse(until)
        shown = [each for each in shown if moments.parse(each["created_at"]) < last]
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
