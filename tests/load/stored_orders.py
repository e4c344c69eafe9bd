"""Fills the orders service with orders of other people, straight into its database."""

from sqlalchemy import create_engine, text

from tests.load.marketplace import LoadMarketplace
from tests.support.bulk_loading import bulk_loading

ACCOUNTS = 20_000

# Ids are UUIDv7 of the order's time, as the service makes them; a transition follows each day.
_FILL = (
    """
    INSERT INTO account_names (account_id, display_name, account_version)
    SELECT gen_random_uuid(), 'Account ' || n, 1 FROM generate_series(1, :accounts) AS n
    """,
    """
    WITH people AS (
        SELECT array_agg(account_id ORDER BY account_id) AS ids FROM account_names
    ), placed AS (
        INSERT INTO orders (id, customer_id, provider_id, service_id, service_title, price_minor, currency,
                            delivery_days, revisions_allowed, requirements, status, payment_status,
                            revisions_used, version, sequence, reminders_sent,
                            completed_at, created_at, updated_at)
        SELECT CAST(lpad(to_hex(CAST(extract(epoch FROM at) * 1000 AS bigint)), 12, '0') || '7'
                    || substr(md5(n || 'a'), 1, 3) || '8' || substr(md5(n || 'b'), 1, 15) AS uuid),
               ids[1 + n % (cardinality(ids) / 2)],
               ids[cardinality(ids) / 2 + 1 + n % (cardinality(ids) / 2)],
               gen_random_uuid(), 'A logo for your shop', 4500, 'EUR', 3, 2, 'Black and white, please.',
               4, 'paid', 0, 4, 4, 0, at, at, at
        FROM people, generate_series(1, :count) AS n,
             LATERAL (SELECT now() - interval '1 day' - n * interval '7 seconds' AS at) AS times
        RETURNING id, customer_id, provider_id, created_at
    )
    INSERT INTO order_history (order_id, sequence, transition, from_status, to_status, actor_id, actor_role,
                               created_at)
    SELECT id, sequence, transition, from_status, to_status,
           CASE role WHEN 'customer' THEN customer_id ELSE provider_id END, role,
           created_at + sequence * interval '1 minute'
    FROM placed, (VALUES (1, 'submit', NULL, 1, 'customer'), (2, 'approve', 1, 2, 'provider'),
                         (3, 'complete_work', 2, 3, 'provider'), (4, 'confirm', 3, 4, 'customer'))
                 AS steps (sequence, transition, from_status, to_status, role)
    """,
)


def store_orders(market: LoadMarketplace, count: int) -> None:
    """Adds `count` completed orders of strangers with their history, and vacuums the tables."""
    url = market.database_url("orders").replace("postgresql://", "postgresql+psycopg2://")
    engine = create_engine(url)
    try:
        with engine.begin() as connection, bulk_loading(connection, "orders", "order_history"):
            for statement in _FILL:
                connection.execute(text(statement), {"accounts": ACCOUNTS, "count": count})
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))
    finally:
        engine.dispose()
