"""Display names converge: whoever keeps one keeps the one that accounts has."""

from collections.abc import Callable, Iterator

from tests.faults.checker.finding import Evidence, Finding, differences

NAMES = "SELECT id::text, display_name FROM accounts"
KEEPERS = {
    "catalog": "SELECT id::text, display_name FROM providers",
    "orders": "SELECT account_id::text, display_name FROM account_names",
    "messaging": "SELECT account_id::text, display_name FROM people",
    "reviews": "SELECT account_id::text, display_name FROM display_names",
    "payments": "SELECT account_id::text, display_name FROM account_names",
}
OFFERED_BY = "SELECT DISTINCT provider_id::text, provider_name FROM services"


def names_converge(evidence: Evidence) -> Iterator[Finding]:
    """Every keeper knows everybody, by the newest name."""
    names = set(evidence.rows("accounts", NAMES))
    for keeper, query in KEEPERS.items():
        yield from differences(f"name in {keeper}", names, set(evidence.rows(keeper, query)))


def services_show_their_provider(evidence: Evidence) -> Iterator[Finding]:
    """A service is listed under its provider's current name."""
    names = set(evidence.rows("accounts", NAMES))
    for provider in set(evidence.rows("catalog", OFFERED_BY)) - names:
        yield Finding("wrong", f"services are listed under a former name: {provider}")


RULES: tuple[Callable[[Evidence], Iterator[Finding]], ...] = (names_converge, services_show_their_provider)
