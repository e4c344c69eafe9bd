"""What payments tells of an order: its version, and until when it is to be paid."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    version = sa.Column("payment_version", sa.Integer, nullable=False, server_default=sa.text("0"))
    op.add_column("orders", version)
    op.add_column("orders", sa.Column("payment_due_at", sa.DateTime(timezone=True)))
    op.create_index(
        "orders_unpaid",
        "orders",
        ["customer_id", "payment_due_at"],
        postgresql_where=sa.text("payment_status IN ('due', 'failed') AND payment_due_at IS NOT NULL"),
    )
