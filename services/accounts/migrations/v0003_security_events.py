"""Counted attempts (wrong passwords, sign-ups) by account and network; security events of accounts.

`failed_sign_ins` is no longer used. Code of revision 0002 still is while processes are replaced, so
a later revision drops it.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "counted_attempts",
        sa.Column("subject", sa.Text, primary_key=True),
        sa.Column("attempted_at", ARRAY(sa.DateTime(timezone=True)), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("counted_attempts_expires_at", "counted_attempts", ["expires_at"])
    op.create_table(
        "security_events",
        sa.Column("id", sa.Uuid(as_uuid=False), primary_key=True),
        sa.Column(
            "account_id",
            sa.Uuid(as_uuid=False),
            sa.ForeignKey("accounts.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("address", sa.Text),
        sa.Column("browser", sa.Text),
        sa.Column("details", JSONB, nullable=False, server_default=sa.text("'{}'")),
    )
    op.create_index("security_events_of_account", "security_events", ["account_id", "id"])
    op.create_index("security_events_created_at", "security_events", ["created_at"])


def downgrade() -> None:
    op.drop_table("security_events")
    op.drop_table("counted_attempts")
