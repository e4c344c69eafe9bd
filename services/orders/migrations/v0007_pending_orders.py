"""An index of the pending orders, so that a quota is checked without reading more than it allows."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Built beside the writes that go on meanwhile."""
    with op.get_context().autocommit_block():
        op.create_index(
            "orders_pending",
            "orders",
            ["customer_id", "provider_id"],
            postgresql_where=sa.text("status = 1"),
            postgresql_concurrently=True,
            if_not_exists=True,
        )
