"""Payments follow from completed orders: one due, at most one capture, books that balance.

The sandbox's own books stand for the processor's: what it captured is what the ledger says.
"""

from collections.abc import Callable, Iterator

from tests.faults.checker.finding import Evidence, Finding, differences

COMPLETED = """
    SELECT id::text, customer_id::text, provider_id::text, price_minor, currency
    FROM orders WHERE status = 4
"""
RECEIVABLES = "SELECT order_id::text, customer_id::text, provider_id::text, amount_minor, currency FROM dues"
SHOWN = "SELECT id::text, payment_status, payment_version FROM orders WHERE status = 4"
OWED = "SELECT order_id::text, payment_status, version FROM dues"
PUBLISHED = """
    SELECT dues.order_id::text, version, count(outbox.id), count(DISTINCT outbox.body->>'payment_version')
    FROM dues LEFT JOIN outbox ON outbox.type = 'payment_changed'
     AND outbox.body->>'order_id' = dues.order_id::text
    GROUP BY 1, 2
"""
PAID = "SELECT id::text, amount_minor, refunded_minor FROM payments WHERE paid_at IS NOT NULL"
CAPTURED = """
    SELECT m.payment_id::text, -sum(e.amount_minor) FILTER (WHERE m.kind = 'capture'),
           coalesce(sum(e.amount_minor) FILTER (WHERE m.kind = 'refund'), 0)
    FROM ledger_movements AS m JOIN ledger_entries AS e ON e.movement_id = m.id
    WHERE e.account = 'customer_funds' GROUP BY 1
"""
CHARGED = """
    SELECT replace(key, 'payment-', ''), amount_minor, refunded_minor
    FROM sandbox.charges WHERE state = 'captured'
"""
CAPTURES_PER_ORDER = """
    SELECT order_id, count(*) FROM sandbox.charges WHERE state = 'captured' GROUP BY 1 HAVING count(*) > 1
"""
SUMS = "SELECT currency, sum(amount_minor) FROM ledger_entries GROUP BY 1 HAVING sum(amount_minor) <> 0"
# One statement, because shares are released by a clock that nobody waits for.
WRONG_BALANCES = """
    WITH sums AS (
        SELECT owner_id, currency,
               sum(amount_minor) FILTER (WHERE account = 'provider_pending') AS pending,
               sum(amount_minor) FILTER (WHERE account = 'provider_available') AS available
        FROM ledger_entries WHERE account IN ('provider_pending', 'provider_available') GROUP BY 1, 2
    )
    SELECT coalesce(provider_id, owner_id)::text, coalesce(balances.currency, sums.currency),
           pending_minor, pending, available_minor, available
    FROM balances FULL JOIN sums ON owner_id = provider_id AND sums.currency = balances.currency
    WHERE coalesce(pending_minor, 0) <> coalesce(pending, 0)
       OR coalesce(available_minor, 0) <> coalesce(available, 0)
"""


def receivables_are_the_completed_orders(evidence: Evidence) -> Iterator[Finding]:
    """One due for each completed order, over the same amount, which the order shows."""
    yield from differences(
        "due of an order",
        set(evidence.rows("orders", COMPLETED)),
        set(evidence.rows("payments", RECEIVABLES)),
    )
    yield from differences(
        "payment status of an order",
        set(evidence.rows("payments", OWED)),
        set(evidence.rows("orders", SHOWN)),
    )


def changes_are_published_once(evidence: Evidence) -> Iterator[Finding]:
    """One `payment_changed` for each version of each due."""
    for order_id, version, events, versions in evidence.rows("payments", PUBLISHED):
        if versions < version:
            yield Finding("lost", f"due of {order_id} has {version} versions, {versions} were told")
        if events > versions:
            yield Finding("duplicated", f"due of {order_id}: {events} events for {versions} versions")


def captures_are_the_processors(evidence: Evidence) -> Iterator[Finding]:
    """What is paid, what the ledger captured and what the processor took are the same, once per order."""
    charged = set(evidence.rows("payments", CHARGED))
    yield from differences("capture of a charge", charged, set(evidence.rows("payments", CAPTURED)))
    yield from differences("paid payment of a charge", charged, set(evidence.rows("payments", PAID)))
    for order_id, number in evidence.rows("payments", CAPTURES_PER_ORDER):
        yield Finding("duplicated", f"order {order_id} was captured {number} times")


def money_sums_to_zero(evidence: Evidence) -> Iterator[Finding]:
    """In every currency; and balances are what their entries add up to."""
    for currency, amount in evidence.rows("payments", SUMS):
        yield Finding("wrong", f"{currency} sums to {amount}")
    for provider, currency, *amounts in evidence.rows("payments", WRONG_BALANCES):
        yield Finding("wrong", f"{currency} balance of {provider} is not its entries: {amounts}")


RULES: tuple[Callable[[Evidence], Iterator[Finding]], ...] = (
    receivables_are_the_completed_orders,
    changes_are_published_once,
    captures_are_the_processors,
    money_sums_to_zero,
)
