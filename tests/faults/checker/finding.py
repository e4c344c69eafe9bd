"""What a rule looks at, and what it says when something is not as it must be."""

from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.faults.load.request_log import RequestLog

Rows = Callable[[str, str], list[tuple[Any, ...]]]  # of a service's database, by a query
Kind = Literal["lost", "duplicated", "wrong"]


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it must be, in a sentence that names it."""

    kind: Kind
    sentence: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.sentence}"


@dataclass
class Evidence:
    """The databases, the request log, and what a fault was meant to leave: events that failed for good."""

    rows: Rows
    request_log: RequestLog
    expected_failures: AbstractSet[str] = field(default_factory=frozenset)  # their event ids


def differences(
    what: str, expected: AbstractSet[Any], found: AbstractSet[Any], extra: Kind = "wrong"
) -> Iterator[Finding]:
    """A `lost` for each thing that is missing, an `extra` for each that nothing explains."""
    for missing in sorted(expected - found, key=repr):
        yield Finding("lost", f"{what} is missing: {missing}")
    for unexplained in sorted(found - expected, key=repr):
        yield Finding(extra, f"{what} without a cause: {unexplained}")
