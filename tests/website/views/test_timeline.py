"""Transitions and messages share one line of time, in parts that leave nothing out."""

from typing import Any, cast

from client.resources import Message, Money, OrderTransition
from website.views.timeline import Movement, TimelineEntry, timeline


def step(name: str, at: str) -> OrderTransition:
    return cast(OrderTransition, {"transition": name, "created_at": at})


def message(body: str, at: str) -> Message:
    return cast(Message, {"body": body, "created_at": at})


def contents_of(timeline_entries: list[TimelineEntry]) -> list[Any]:
    return [
        each["message"]["body"]
        if each["message"]
        else each["transition"] and each["transition"]["transition"]
        for each in timeline_entries
    ]


STEPS = [
    step("submit", "2026-11-20T10:00:00Z"),
    step("approve", "2026-11-21T10:00:00Z"),
    step("complete_work", "2026-11-23T10:00:00Z"),
    step("confirm", "2026-11-25T10:00:00Z"),
]
NEWER = [message("four", "2026-11-24T10:00:00Z"), message("three", "2026-11-23T12:00:00Z")]
OLDER = [message("two", "2026-11-22T10:00:00Z"), message("one", "2026-11-20T12:00:00Z")]
EVERYTHING = ["submit", "one", "approve", "two", "complete_work", "three", "four", "confirm"]


def test_everything_stands_in_the_order_in_which_it_happened() -> None:
    assert contents_of(timeline(STEPS, [], [*NEWER, *OLDER], True, None, "UTC")) == EVERYTHING


def test_money_that_moved_stands_among_the_rest() -> None:
    euros: Money = {"amount": 4500, "currency": "EUR"}
    paid, refunded = (Movement(f"2026-11-{day}T12:00:00Z", "kind", euros) for day in (25, 26))
    whole = timeline(STEPS, [refunded, paid], [*NEWER, *OLDER], True, None, "UTC")
    assert contents_of(whole[:-2]) == EVERYTHING and [each["movement"] for each in whole[-2:]] == [
        paid,
        refunded,
    ]
    until = "2026-11-26T00:00:00Z"
    assert timeline([], [refunded, paid], [], True, until, "UTC")[-1]["movement"] == paid


def test_an_order_without_messages_shows_its_whole_history() -> None:
    assert contents_of(timeline(STEPS, [], [], True, None, "UTC")) == [
        "submit",
        "approve",
        "complete_work",
        "confirm",
    ]


def test_parts_of_a_long_thread_are_together_the_whole_and_share_nothing() -> None:
    newer = contents_of(timeline(STEPS, [], NEWER, False, None, "UTC"))
    older = contents_of(timeline(STEPS, [], OLDER, True, NEWER[-1]["created_at"], "UTC"))
    assert newer == ["three", "four", "confirm"]
    assert older + newer == EVERYTHING


def test_a_new_day_begins_at_midnight_where_the_reader_is() -> None:
    late = [message("late", "2026-11-20T23:30:00Z"), message("later", "2026-11-21T00:30:00Z")]
    assert [each["day"] for each in timeline([], [], late, True, None, "UTC")] == [True, True]
    assert [each["day"] for each in timeline([], [], late, True, None, "Europe/Berlin")] == [True, False]
