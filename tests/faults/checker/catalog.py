"""What an order says of its service is what the catalog offered, at the price that its customer saw."""

from collections.abc import Callable, Iterator

from tests.faults.checker.finding import Evidence, Finding, differences

ORDERED = """
    SELECT DISTINCT service_id::text, provider_id::text, service_title, price_minor, currency, delivery_days,
        revisions_allowed
    FROM orders
"""
OFFERED = """
    SELECT DISTINCT body->>'service_id', body->'offer'->'provider'->>'id', body->'offer'->>'title',
        (body->'offer'->'price'->>'amount')::bigint, body->'offer'->'price'->>'currency',
        (body->'offer'->>'delivery_days')::integer, (body->'offer'->>'revisions')::integer
    FROM outbox WHERE type = 'service_changed'
"""
AT_ANOTHER_PRICE = """
    SELECT id::text, price_minor || ' ' || currency, requirements FROM orders
    WHERE requirements NOT LIKE '% for ' || price_minor || ' ' || currency || ', %'
"""
TERMS = "title, price_minor, currency, delivery_days, revisions, status"
CURRENT = f"SELECT id::text, version, provider_id::text, {TERMS} FROM services"
STORED = f"SELECT service_id::text, service_version, provider_id::text, {TERMS} FROM offers"
PUBLISHED = """
    SELECT services.id::text, services.version,
           count(DISTINCT outbox.body->>'service_version')
    FROM services LEFT JOIN outbox ON outbox.type = 'service_changed'
     AND outbox.body->>'service_id' = services.id::text
    GROUP BY 1, 2
"""


def ordered_services_were_offered(evidence: Evidence) -> Iterator[Finding]:
    """Provider, title, price and terms are of one version that the catalog published."""
    offered = set(evidence.rows("catalog", OFFERED))
    ordered = set(evidence.rows("orders", ORDERED))
    yield from differences("offer of an order", ordered, ordered & offered)


def nobody_ordered_at_a_price_they_did_not_see(evidence: Evidence) -> Iterator[Finding]:
    """The requirements name the price that the customer saw and sent as `expected_price`."""
    for order_id, price, requirements in evidence.rows("orders", AT_ANOTHER_PRICE):
        yield Finding("wrong", f"order {order_id} costs {price}, its customer wrote {requirements!r}")


def stored_offers_are_the_catalogs(evidence: Evidence) -> Iterator[Finding]:
    """Orders knows the current offer of every service."""
    current, stored = (set(evidence.rows(*query)) for query in (("catalog", CURRENT), ("orders", STORED)))
    yield from differences("offer in orders", current, stored)


def every_edit_is_published(evidence: Evidence) -> Iterator[Finding]:
    """A `service_changed` for each version of each service."""
    for service_id, version, reported in evidence.rows("catalog", PUBLISHED):
        if reported != version:
            yield Finding("lost", f"service {service_id} has {version} versions, {reported} were told")


RULES: tuple[Callable[[Evidence], Iterator[Finding]], ...] = (
    ordered_services_were_offered,
    nobody_ordered_at_a_price_they_did_not_see,
    stored_offers_are_the_catalogs,
    every_edit_is_published,
)
