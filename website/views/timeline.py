"""Transitions, movements and messages of an order in chronological order."""

from collections.abc import Sequence
from typing import NamedTuple, TypedDict

from client.resources import Message, Money, OrderTransition
from kit.localization import dates


class Movement(NamedTuple):
    """Money that moved, or a try that failed; `kind` is one of `labels.MOVEMENTS`."""

    at: str
    kind: str
    amount: Money


class TimelineEntry(TypedDict):
    """One entry: a message, a transition or a movement; `day` is set on the first of each day."""

    at: str
    message: Message | None
    transition: OrderTransition | None
    movement: Movement | None
    day: bool


def timeline(
    transitions: Sequence[OrderTransition],
    movements: Sequence[Movement],
    messages: Sequence[Message],
    is_oldest: bool,
    until: str | None,
    zone: str,
) -> list[TimelineEntry]:
    """Everything in order, oldest first.

    `messages` may be a part of all: the parts share transitions and movements between them. A part that
    does not begin the thread (`is_oldest`) shows those since its first message, and one that has a later
    part those before `until`, the time of that part's first message.
    """
    entries = [_entry(each["created_at"], transition=each) for each in transitions]
    entries += [_entry(each.at, movement=each) for each in movements]
    if messages and not is_oldest:
        first = min(dates.parse(message["created_at"]) for message in messages)
        entries = [each for each in entries if dates.parse(each["at"]) >= first]
    if until is not None:
        last = dates.parse(until)
        entries = [each for each in entries if dates.parse(each["at"]) < last]
    entries += [_entry(message["created_at"], message=message) for message in messages]
    entries.sort(key=lambda entry: dates.parse(entry["at"]))
    _mark_days(entries, zone)
    return entries


def _entry(
    at: str,
    message: Message | None = None,
    transition: OrderTransition | None = None,
    movement: Movement | None = None,
) -> TimelineEntry:
    return {"at": at, "message": message, "transition": transition, "movement": movement, "day": False}


def _mark_days(entries: Sequence[TimelineEntry], zone: str) -> None:
    before = None
    for entry in entries:
        day = dates.parse(entry["at"]).astimezone(dates.zone_of(zone)).date()
        entry["day"] = day != before
        before = day
