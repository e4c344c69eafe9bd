"""The index of unpaid orders covers payments under way too: a payment that was begun is not paid."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Built beside the writes that go on meanwhile; it serves the query of the release before as well."""
    with op.get_context().autocommit_block():
        op.create_index(
            "orders_not_paid",
            "orders",
            ["customer_id", "payment_due_at"],
            postgresql_where=sa.text(
                "payment_status IN ('due', 'processing', 'failed') AND payment_due_at IS NOT NULL"
            ),
            postgresql_concurrently=True,
            if_not_exists=True,
        )
        op.drop_index("orders_unpaid", "orders", postgresql_concurrently=True, if_exists=True)
