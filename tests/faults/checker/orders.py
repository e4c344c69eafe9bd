"""Histories: gapless from `submit`, by the table of domain.md, and each line told in one event.

The table is written down here once more, on purpose: the ledger must not believe the code it checks.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from tests.faults.checker.finding import Evidence, Finding, differences

# transition: from → to, and who
TABLE: dict[str, tuple[set[tuple[int | None, int]], set[str]]] = {
    "submit": ({(None, 1)}, {"customer"}),
    "approve": ({(1, 2)}, {"provider"}),
    "decline": ({(1, 7)}, {"provider"}),
    "withdraw": ({(1, 7)}, {"customer"}),
    "expire": ({(1, 7)}, {"system"}),
    "complete_work": ({(2, 3)}, {"provider"}),
    "request_changes": ({(3, 2)}, {"customer"}),
    "confirm": ({(3, 4)}, {"customer"}),
    "auto_confirm": ({(3, 4)}, {"system"}),
    "cancel": ({(1, 7), (2, 7), (3, 7)}, {"customer", "provider", "staff"}),
    "open_dispute": ({(2, 2), (3, 3)}, {"customer", "provider"}),
    "resolve_dispute": ({(2, 2), (2, 4), (2, 7), (3, 2), (3, 4), (3, 7)}, {"staff"}),
}
REASON_NEEDED = {"decline", "request_changes", "cancel", "open_dispute", "resolve_dispute"}


class Line(NamedTuple):
    """One line of a history."""

    order_id: str
    sequence: int
    transition: str
    from_status: int | None
    to_status: int
    role: str
    reason: str | None


HISTORY = """
    SELECT order_id::text, sequence, transition, from_status, to_status, actor_role, reason
    FROM order_history ORDER BY order_id, sequence
"""
ORDERS = "SELECT id::text, status, sequence, version, revisions_used, disputed_at IS NOT NULL FROM orders"
PUBLISHED = """
    SELECT body->>'order_id', (body->>'sequence')::integer, body->>'transition',
           (body->>'from_status')::integer, (body->>'to_status')::integer, body->'actor'->>'role',
           body->>'reason'
    FROM outbox WHERE type = 'order_status_changed'
"""


def histories(evidence: Evidence) -> dict[str, list[Line]]:
    """Every order's lines, in order."""
    found: dict[str, list[Line]] = defaultdict(list)
    for row in evidence.rows("orders", HISTORY):
        found[row[0]].append(Line(*row))
    return found


def histories_are_gapless(evidence: Evidence) -> Iterator[Finding]:
    """1, 2, 3 … from `submit`, each line beginning where the one before ended."""
    for order_id, lines in histories(evidence).items():
        numbers = [line.sequence for line in lines]
        if numbers != list(range(1, len(lines) + 1)):
            yield Finding("lost", f"history of order {order_id} has gaps: {numbers}")
        status: int | None = None
        for line in lines:
            if line.from_status != status:
                yield Finding("wrong", f"{line} does not begin at {status}")
            status = line.to_status


def every_line_follows_the_table(evidence: Evidence) -> Iterator[Finding]:
    """Who did what, from where to where, and why."""
    for lines in histories(evidence).values():
        disputed = False
        for line in lines:
            moves, who = TABLE[line.transition]
            if (line.from_status, line.to_status) not in moves or line.role not in who:
                yield Finding("wrong", f"{line} is no row of the table")
            if disputed and line.role != "staff":
                yield Finding("wrong", f"{line} while the order was disputed")
            if line.transition in REASON_NEEDED and not line.reason:
                yield Finding("wrong", f"{line} has no reason")
            disputed = line.transition == "open_dispute"


def orders_are_what_their_histories_say(evidence: Evidence) -> Iterator[Finding]:
    """Status, counters, revisions and dispute follow from the lines."""
    found = histories(evidence)
    rows = {row[0]: row[1:] for row in evidence.rows("orders", ORDERS)}
    yield from differences("history of order", set(rows), set(found))
    for order_id, lines in found.items():
        last = lines[-1]
        revisions = sum(line.transition == "request_changes" for line in lines)
        disputed = last.transition == "open_dispute"
        reported: tuple[Any, ...] = (last.to_status, last.sequence, len(lines), revisions, disputed)
        if order_id in rows and rows[order_id] != reported:
            yield Finding("wrong", f"order {order_id} is {rows[order_id]}, its history says {reported}")


def every_line_is_published_once(evidence: Evidence) -> Iterator[Finding]:
    """One `order_status_changed` for each line of each history, saying the same."""
    reported = [Line(*row) for row in evidence.rows("orders", PUBLISHED)]
    lines = {line for lines in histories(evidence).values() for line in lines}
    yield from differences("event of a transition", lines, set(reported))
    for line in (
        {line for line in reported if reported.count(line) > 1} if len(set(reported)) < len(reported) else ()
    ):
        yield Finding("duplicated", f"{line} was told more than once")


RULES: tuple[Callable[[Evidence], Iterator[Finding]], ...] = (
    histories_are_gapless,
    every_line_follows_the_table,
    orders_are_what_their_histories_say,
    every_line_is_published_once,
)
