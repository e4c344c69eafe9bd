"""The ledger checker: compares all databases with each other and with the account book.

Each rule is a function of one area that yields findings. A new service brings its rules in a file of
its own and adds them to `RULES`.
"""

from collections import Counter
from collections.abc import Callable, Iterator

from tests.faults import (
    rules_asked,
    rules_catalog,
    rules_events,
    rules_messaging,
    rules_names,
    rules_orders,
    rules_payments,
    rules_reviews,
)
from tests.faults.finding import Books, Finding

Rule = Callable[[Books], Iterator[Finding]]

RULES: tuple[Rule, ...] = (
    *rules_asked.RULES,
    *rules_events.RULES,
    *rules_orders.RULES,
    *rules_messaging.RULES,
    *rules_reviews.RULES,
    *rules_catalog.RULES,
    *rules_names.RULES,
    *rules_payments.RULES,
)


def check(books: Books) -> list[Finding]:
    """Everything that is not as it must be; to be asked when all is quiet."""
    return [finding for rule in RULES for finding in rule(books)]


def counted(findings: list[Finding]) -> Counter[str]:
    """How many were lost, duplicated, wrong."""
    return Counter(finding.kind for finding in findings)
