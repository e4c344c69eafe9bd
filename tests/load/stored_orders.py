"""Fills the orders service with orders of other people, straight into its database."""

import psycopg2

from tests.load.marketplace import LoadMarketplace

ACCOUNTS = 20_000
BATCH = 100_000

_NAMES = """
    INSERT INTO account_names (account_id, display_name, account_version)
    SELECT gen_random_uuid(), 'Account ' || n, 1 FROM generate_series(1, %(accounts)s) AS n
"""
_ORDERS = """
    WITH people AS (
        SELECT array_agg(account_id ORDER BY account_id) AS ids FROM account_names
    ), placed AS (
        INSERT INTO orders (id, customer_id, provider_id, service_id, service_title, price_minor, currency,
                            delivery_days, revisions_allowed, requirements, status, payment_status,
                            revisions_used, version, sequence, reminders_sent,
                            completed_at, created_at, updated_at)
        SELECT gen_random_uuid(),
               ids[1 + n %% (cardinality(ids) / 2)],
               ids[cardinality(ids) / 2 + 1 + n %% (cardinality(ids) / 2)],
               gen_random_uuid(), 'A logo for your shop', 4500, 'EUR', 3, 2, 'Black and white, please.',
               4, 'paid', 0, 4, 4, 0, at, at, at
        FROM people, generate_series(%(first)s, %(last)s) AS n,
             LATERAL (SELECT now() - n * interval '7 seconds' AS at) AS times
        RETURNING id, customer_id, created_at
    )
    INSERT INTO order_history (order_id, sequence, transition, to_status, actor_id, actor_role, created_at)
    SELECT id, 1, 'submit', 1, customer_id, 'customer', created_at FROM placed
"""


def store_orders(market: LoadMarketplace, count: int) -> None:
    """Adds `count` completed orders of strangers, with one line of history each, and analyses the tables."""
    connection = psycopg2.connect(market.database_url("orders"))
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(_NAMES, {"accounts": ACCOUNTS})
            for first in range(1, count + 1, BATCH):
                cursor.execute(_ORDERS, {"first": first, "last": min(first + BATCH - 1, count)})
            cursor.execute("ANALYZE")
    finally:
        connection.close()
