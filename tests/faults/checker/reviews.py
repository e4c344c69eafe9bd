"""Review slots follow the orders; ratings are the averages of the reviews, wherever they are kept."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from tests.faults.checker.finding import Evidence, Finding, differences

# Reviews is told of completed orders only; what an older process publishes may tell it of others.
ORDERS = """
    SELECT id::text, customer_id::text, provider_id::text, service_id::text FROM orders WHERE status = 4
"""
SLOTS = """
    SELECT order_id::text, customer_id::text, provider_id::text, service_id::text
    FROM review_slots WHERE status = 4
"""
COMPLETED = "SELECT id::text, provider_id::text FROM orders WHERE status = 4"
RATED = "SELECT subject, subject_id::text, stars_total, count FROM ratings WHERE count > 0"
REVIEWS = """
    SELECT reviews.provider_id::text, review_slots.service_id::text, rating
    FROM reviews JOIN review_slots USING (order_id) WHERE hidden_at IS NULL
"""
# How often each event of a review must have been told: one submission, each later version one change.
PUBLISHED = """
    SELECT reviews.id::text, reviews.version, count(outbox.id), count(DISTINCT outbox.body->>'review_version')
    FROM reviews LEFT JOIN outbox ON outbox.type IN ('review_submitted', 'review_changed')
     AND outbox.body->>'review_id' = reviews.id::text
    GROUP BY 1, 2
"""
OF_PROFILES = """
    SELECT account_id::text, rating_average, rating_count FROM standings WHERE rating_count > 0
"""
OF_SERVICES = "SELECT id::text, rating_average, rating_count FROM services WHERE rating_count > 0"
COUNTED = "SELECT account_id::text, completed_orders FROM standings WHERE completed_orders > 0"


def slots_are_the_orders(evidence: Evidence) -> Iterator[Finding]:
    """One slot for each completed order."""
    yield from differences(
        "review slot of a completed order",
        set(evidence.rows("orders", ORDERS)),
        set(evidence.rows("reviews", SLOTS)),
    )


def only_completed_orders_are_reviewed(evidence: Evidence) -> Iterator[Finding]:
    """A review has an order at status 4."""
    completed = {order_id for order_id, _ in evidence.rows("orders", COMPLETED)}
    for (order_id,) in evidence.rows("reviews", "SELECT order_id::text FROM reviews"):
        if order_id not in completed:
            yield Finding("wrong", f"order {order_id} is reviewed and not completed")


def reviews_are_published_once(evidence: Evidence) -> Iterator[Finding]:
    """One event for each version of each review."""
    for review_id, version, events, versions in evidence.rows("reviews", PUBLISHED):
        if versions < version:
            yield Finding("lost", f"review {review_id} has {version} versions, {versions} were told")
        if events > versions:
            yield Finding("duplicated", f"review {review_id}: {events} events for {versions} versions")


def ratings_are_the_sums(evidence: Evidence) -> Iterator[Finding]:
    """Stars and counts of each provider and service add up."""
    yield from differences("rating", _sums(evidence), set(evidence.rows("reviews", RATED)))


def ratings_arrived(evidence: Evidence) -> Iterator[Finding]:
    """Profiles and services show these averages."""
    averages = {(subject, id_, round(stars / n, 2), n) for subject, id_, stars, n in _sums(evidence)}
    shown = {("provider", *row) for row in evidence.rows("accounts", OF_PROFILES)}
    shown |= {("service", *row) for row in evidence.rows("catalog", OF_SERVICES)}
    yield from differences("shown rating", averages, shown)


def completed_orders_are_counted(evidence: Evidence) -> Iterator[Finding]:
    """Each completed order is counted once on its provider's profile."""
    expected = Counter(provider for _, provider in evidence.rows("orders", COMPLETED))
    yield from differences(
        "number of completed orders", set(expected.items()), set(evidence.rows("accounts", COUNTED))
    )
    kept = "SELECT order_id::text, provider_id::text FROM completed_orders"
    yield from differences(
        "completed order", set(evidence.rows("orders", COMPLETED)), set(evidence.rows("accounts", kept))
    )


def _sums(evidence: Evidence) -> set[tuple[Any, ...]]:
    stars: Counter[tuple[str, str]] = Counter()
    number: Counter[tuple[str, str]] = Counter()
    for provider, service, rating in evidence.rows("reviews", REVIEWS):
        for subject in (("provider", provider), ("service", service)):
            stars[subject] += rating
            number[subject] += 1
    return {(*subject, stars[subject], number[subject]) for subject in stars}


RULES: tuple[Callable[[Evidence], Iterator[Finding]], ...] = (
    slots_are_the_orders,
    only_completed_orders_are_reviewed,
    reviews_are_published_once,
    ratings_are_the_sums,
    ratings_arrived,
    completed_orders_are_counted,
)
