"""What an order says of its service is what the catalog offered."""

from collections.abc import Callable, Iterator

from tests.faults.checker.finding import Evidence, Finding, differences

ORDERED = "SELECT DISTINCT service_id::text, provider_id::text, price_minor, currency FROM orders"
OFFERED = "SELECT id::text, provider_id::text, price_minor, currency FROM services"
PUBLISHED = """
    SELECT services.id::text, services.version,
           count(DISTINCT outbox.body->>'service_version')
    FROM services LEFT JOIN outbox ON outbox.type = 'service_changed'
     AND outbox.body->>'service_id' = services.id::text
    GROUP BY 1, 2
"""


def ordered_services_were_offered(evidence: Evidence) -> Iterator[Finding]:
    """Provider and price are the catalog's (nobody changes a price here)."""
    offered = set(evidence.rows("catalog", OFFERED))
    ordered = set(evidence.rows("orders", ORDERED))
    yield from differences("offer of an order", ordered, ordered & offered)


def every_edit_is_published(evidence: Evidence) -> Iterator[Finding]:
    """A `service_changed` for each version of each service."""
    for service_id, version, reported in evidence.rows("catalog", PUBLISHED):
        if reported != version:
            yield Finding("lost", f"service {service_id} has {version} versions, {reported} were told")


RULES: tuple[Callable[[Evidence], Iterator[Finding]], ...] = (
    ordered_services_were_offered,
    every_edit_is_published,
)
