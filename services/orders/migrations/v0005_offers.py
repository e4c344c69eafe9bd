"""What catalog offers, so that ordering needs no call to it."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Starts empty: catalog is asked for an offer that is not known."""
    op.create_table(
        "offers",
        sa.Column("service_id", sa.Uuid, primary_key=True),
        sa.Column("service_version", sa.Integer, nullable=False),
        sa.Column("provider_id", sa.Uuid, sa.ForeignKey("account_names.account_id")),
        sa.Column("title", sa.Text),
        sa.Column("price_minor", sa.BigInteger),
        sa.Column("currency", sa.Text),
        sa.Column("delivery_days", sa.Integer),
        sa.Column("revisions", sa.Integer),
        sa.Column("status", sa.Text),
        sa.CheckConstraint(
            "num_nulls(provider_id, title, price_minor, currency, delivery_days, revisions, status)"
            " IN (0, 7)",
            name="offers_complete",
        ),
        comment="What catalog offers, from its events. Without terms: changed to an offer that is not known.",
    )
