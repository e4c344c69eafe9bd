"""Accounts, sessions and their refresh tokens, failed sign-ins, staff grants, standings."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

from chassis.storage.migrations import create_chassis_tables

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_chassis_tables()
    _create_accounts()
    _create_sessions()
    _create_refresh_tokens()
    _create_failed_sign_ins()
    _create_staff_grants()
    _create_standings()


def downgrade() -> None:
    for table in (
        "completed_orders", "standings", "staff_grants", "failed_sign_ins", "refresh_tokens", "sessions",
        "accounts", "idempotency", "failed_events", "inbox", "outbox",
    ):  # fmt: skip
        op.drop_table(table)


def _moment(name: str, now: bool = False, nullable: bool = False) -> sa.Column[object]:
    default = sa.func.now() if now else None
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable, server_default=default)


def _id(name: str, **options: Any) -> sa.Column[object]:
    return sa.Column(name, sa.Uuid(as_uuid=False), nullable=False, **options)


def _belongs_to(name: str, target: str) -> sa.Column[object]:
    return sa.Column(
        name, sa.Uuid(as_uuid=False), sa.ForeignKey(f"{target}.id", ondelete="CASCADE"), nullable=False
    )


def _create_accounts() -> None:
    op.create_table(
        "accounts",
        _id("id", primary_key=True),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("email_normalised", sa.Text, nullable=False, unique=True),
        sa.Column("email_verified", sa.Boolean, nullable=False, server_default=sa.text("false")),
        sa.Column("password_hash", sa.Text, nullable=False),
        _moment("password_changed_at", now=True),
        sa.Column("display_name", sa.Text, nullable=False),
        sa.Column("bio", sa.Text, nullable=False, server_default=sa.text("''")),
        sa.Column("roles", ARRAY(sa.Text), nullable=False, server_default=sa.text("'{member}'")),
        sa.Column("time_zone", sa.Text, nullable=False, server_default=sa.text("'UTC'")),
        sa.Column("locale", sa.Text, nullable=False, server_default=sa.text("'en'")),
        _moment("created_at", now=True),
        _moment("updated_at", now=True),
        sa.Column("version", sa.Integer, nullable=False, server_default=sa.text("1")),
        sa.CheckConstraint("char_length(display_name) BETWEEN 1 AND 80", name="accounts_display_name"),
        sa.CheckConstraint("roles <@ '{member,staff}'", name="accounts_roles"),
    )


def _create_sessions() -> None:
    op.create_table(
        "sessions",
        _id("id", primary_key=True),
        _belongs_to("account_id", "accounts"),
        sa.Column("client", sa.Text),
        sa.Column("address", sa.Text),
        _moment("created_at", now=True),
        _moment("last_used_at", now=True),
        _moment("expires_at"),
        _moment("revoked_at", nullable=True),
    )
    live, closed = sa.text("revoked_at IS NULL"), sa.text("revoked_at IS NOT NULL")
    op.create_index("sessions_of_account", "sessions", ["account_id", "id"], postgresql_where=live)
    op.create_index("sessions_revoked_at", "sessions", ["revoked_at"], postgresql_where=closed)
    op.create_index("sessions_expires_at", "sessions", ["expires_at"])


def _create_refresh_tokens() -> None:
    op.create_table(
        "refresh_tokens",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        _belongs_to("session_id", "sessions"),
        _moment("issued_at", now=True),
        _moment("expires_at"),
        _moment("used_at", nullable=True),
        sa.Column("used_with", sa.Text),
    )
    op.create_index("refresh_tokens_of_session", "refresh_tokens", ["session_id"])
    op.create_index("refresh_tokens_expires_at", "refresh_tokens", ["expires_at"])


def _create_failed_sign_ins() -> None:
    op.create_table(
        "failed_sign_ins",
        sa.Column("email_digest", sa.Text, primary_key=True),
        sa.Column("failed_at", ARRAY(sa.DateTime(timezone=True)), nullable=False),
        _moment("last_failed_at"),
    )
    op.create_index("failed_sign_ins_last_failed_at", "failed_sign_ins", ["last_failed_at"])


def _create_staff_grants() -> None:
    op.create_table(
        "staff_grants",
        _id("id", primary_key=True),
        _belongs_to("account_id", "accounts"),
        sa.Column("granted", sa.Boolean, nullable=False),
        sa.Column("operator", sa.Text, nullable=False),
        _moment("recorded_at", now=True),
    )
    op.create_index("staff_grants_of_account", "staff_grants", ["account_id", "recorded_at"])


def _create_standings() -> None:
    op.create_table(
        "standings",
        _id("account_id", primary_key=True),
        sa.Column("rating_average", sa.Double),
        sa.Column("rating_count", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("rating_version", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("completed_orders", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.CheckConstraint("(rating_count = 0) = (rating_average IS NULL)", name="standings_rating"),
    )
    op.create_table(
        "completed_orders",
        _id("order_id", primary_key=True),
        _id("provider_id"),
        _moment("completed_at"),
    )
