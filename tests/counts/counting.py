"""Counting what a marketplace of separate processes does, by the metrics of its processes."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.stack import Stack

CALLS, SERVED = "microtasks_gateway_rpcs_total", "microtasks_rpc_served_total"
ROUND_TRIPS, TRANSACTIONS = "microtasks_database_round_trips_total", "microtasks_transactions_total"
PUBLISHED, HANDLED = "microtasks_events_published_total", "microtasks_events_total"
# The label that says what was counted.
_SUBJECTS = ("call", "consumer", "type")
Key = tuple[str, str, str]


class Counts:
    """What was counted between the start and the end of a `counting` block."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._before = self._take()
        self._after: dict[Key, float] = {}

    def _take(self) -> dict[Key, float]:
        taken: dict[Key, float] = {}
        for process in self._stack.processes:
            for (name, labels), value in process.metrics().items():
                found = dict(labels)
                subject = next((found[label] for label in _SUBJECTS if label in found), "")
                key = (process.name, name, subject)
                taken[key] = taken.get(key, 0) + value
        return taken

    def finish(self) -> None:
        """Ends the counting."""
        self._after = self._take()

    def of(self, name: str, subject: str = "") -> float:
        """How much a counter grew, for one call, consumer or type of event, or for all requests."""
        return sum(
            self._after[key] - self._before.get(key, 0)
            for key in self._after
            if key[1] == name and key[2] != "background" and subject in ("", key[2])
        )

    def by_subject(self, name: str) -> dict[tuple[str, str], float]:
        """How much a counter grew, by process and call, consumer or type of event."""
        grown = {key: value - self._before.get(key, 0) for key, value in self._after.items()}
        return {(key[0], key[2]): value for key, value in grown.items() if key[1] == name and value}


@contextmanager
def counting(stack: Stack) -> Iterator[Counts]:
    """Counts what happens inside the block."""
    counts = Counts(stack)
    yield counts
    counts.finish()
