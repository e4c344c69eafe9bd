"""The database itself refuses what the rules never do."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.exc import DBAPIError

from services.orders.models import METADATA
from tests.orders.market import Market


def test_the_migrated_database_is_the_one_the_models_describe(market: Market) -> None:
    with market.harness.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []


def test_constraints_of_the_migration_are_those_of_the_models(market: Market) -> None:
    rows = market.harness.execute(
        "SELECT conname FROM pg_constraint WHERE contype = 'c' AND conrelid::regclass::text LIKE 'order%'"
    )
    described = {
        str(constraint.name)
        for table in METADATA.tables.values()
        for constraint in table.constraints
        if str(constraint.name).startswith("order")
    }
    assert {row.conname for row in rows} == described


@pytest.mark.parametrize("status", [0, 5, 6, 8, -1])
def test_reserved_and_unknown_statuses_are_never_stored(market: Market, status: int) -> None:
    order = market.submit()
    with pytest.raises(DBAPIError, match="orders_status"):
        market.change(order, f"status = {status}")
    with pytest.raises(DBAPIError, match="order_history"):
        market.harness.execute(
            "INSERT INTO order_history (order_id, sequence, transition, to_status, actor_role, created_at)"
            " VALUES (CAST(:id AS uuid), 2, 'expire', :status, 'system', now())",
            id=order["id"],
            status=status,
        )


@pytest.mark.parametrize(
    "change",
    [
        "customer_id = provider_id",
        "price_minor = 0",
        "revisions_used = 2",
        "disputed_at = now()",
        "status = 3",
        "status = 4",
        "payment_status = 'due'",
        "payment_status = 'free'",
        "confirm_by = now()",
        "next_reminder_at = now()",
        "version = 0",
        "sequence = 0",
    ],
)
def test_an_order_that_contradicts_itself_is_refused(market: Market, change: str) -> None:
    order = market.submit()
    with pytest.raises(DBAPIError, match="violates check constraint"):
        market.change(order, change)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE order_history SET reason = 'other'",
        "DELETE FROM order_history",
        "TRUNCATE order_history",
        "TRUNCATE orders CASCADE",
        "DELETE FROM orders",
    ],
)
def test_history_is_append_only(market: Market, statement: str) -> None:
    order = market.order_at("approved")
    with pytest.raises(DBAPIError):
        market.harness.execute(statement)
    assert len(market.history(order)) == 2


def test_a_step_of_a_history_exists_once(market: Market) -> None:
    order = market.order_at("approved")
    with pytest.raises(DBAPIError, match="order_history_pkey"):
        market.harness.execute(
            "INSERT INTO order_history SELECT * FROM order_history WHERE order_id = CAST(:id AS uuid)",
            id=order["id"],
        )
