"""The checker: compares all databases with each other and with the request log.

Each rule is a function of one area that yields findings. A new service brings its rules in a file of
its own and adds them to `RULES`.
"""

from collections import Counter
from collections.abc import Callable, Iterator

from tests.faults.checker import (
    acknowledged,
    catalog,
    display_names,
    events,
    messaging,
    orders,
    payments,
    reviews,
)
from tests.faults.checker.finding import Evidence, Finding

Rule = Callable[[Evidence], Iterator[Finding]]

RULES: tuple[Rule, ...] = (
    *acknowledged.RULES,
    *events.RULES,
    *orders.RULES,
    *messaging.RULES,
    *reviews.RULES,
    *catalog.RULES,
    *display_names.RULES,
    *payments.RULES,
)


def check(evidence: Evidence) -> list[Finding]:
    """Everything that is not as it must be; to be asked when all is quiet."""
    return [finding for rule in RULES for finding in rule(evidence)]


def counted(findings: list[Finding]) -> Counter[str]:
    """How many were lost, duplicated, wrong."""
    return Counter(finding.kind for finding in findings)
