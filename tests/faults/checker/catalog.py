"""What an order says of its service is what the catalog offered."""

from collections.abc import Callable, Iterator

from tests.faults.checker.finding import Books, Finding, differences

ORDERED = "SELECT DISTINCT service_id::text, provider_id::text, price_minor, currency FROM orders"
OFFERED = "SELECT id::text, provider_id::text, price_minor, currency FROM services"
TOLD = """
    SELECT services.id::text, services.version,
           count(DISTINCT outbox.body->>'service_version')
    FROM services LEFT JOIN outbox ON outbox.type = 'service_changed'
     AND outbox.body->>'service_id' = services.id::text
    GROUP BY 1, 2
"""


def ordered_services_were_offered(books: Books) -> Iterator[Finding]:
    """Provider and price are the catalog's (nobody changes a price here)."""
    offered = set(books.rows("catalog", OFFERED))
    ordered = set(books.rows("orders", ORDERED))
    yield from differences("offer of an order", ordered, ordered & offered)


def every_edit_is_told(books: Books) -> Iterator[Finding]:
    """A `service_changed` for each version of each service."""
    for service_id, version, told in books.rows("catalog", TOLD):
        if told != version:
            yield Finding("lost", f"service {service_id} has {version} versions, {told} were told")


RULES: tuple[Callable[[Books], Iterator[Finding]], ...] = (ordered_services_were_offered, every_edit_is_told)
