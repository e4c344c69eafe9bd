"""People, threads, messages, notifications and preferences."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from chassis.storage.migrations import create_chassis_tables

revision = "0001"
down_revision = None

Columns = list[str | sa.TextClause | sa.ColumnElement[Any]]


def upgrade() -> None:
    create_chassis_tables()
    create_people()
    create_threads()
    create_messages()
    create_notifications()
    create_preferences()


def create_people() -> None:
    op.create_table(
        "people",
        sa.Column("account_id", sa.Uuid, primary_key=True),
        sa.Column("display_name", sa.Text, nullable=False),
        sa.Column("account_version", sa.Integer, nullable=False, server_default=sa.text("0")),
    )


def create_threads() -> None:
    op.create_table(
        "threads",
        sa.Column("order_id", sa.Uuid, primary_key=True),
        sa.Column("order_number", sa.Text, nullable=False),
        sa.Column("order_status", sa.SmallInteger, nullable=False),
        sa.Column("order_version", sa.Integer, nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("customer_id", sa.Uuid, sa.ForeignKey("people.account_id"), nullable=False),
        sa.Column("provider_id", sa.Uuid, sa.ForeignKey("people.account_id"), nullable=False),
        sa.Column("service_id", sa.Uuid, nullable=False),
        sa.Column("service_title", sa.Text, nullable=False),
        sa.Column("message_count", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("customer_unread", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("provider_unread", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.CheckConstraint("order_status IN (1, 2, 3, 4, 7)", name="threads_order_status"),
        sa.CheckConstraint("customer_id <> provider_id", name="threads_two_parties"),
        sa.CheckConstraint("customer_unread BETWEEN 0 AND message_count", name="threads_customer_unread"),
        sa.CheckConstraint("provider_unread BETWEEN 0 AND message_count", name="threads_provider_unread"),
    )
    for party in ("customer", "provider"):
        newest_first: Columns = [f"{party}_id", sa.text("updated_at DESC"), sa.text("order_id DESC")]
        op.create_index(f"threads_of_{party}", "threads", newest_first)


def create_messages() -> None:
    op.create_table(
        "messages",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("order_id", sa.Uuid, sa.ForeignKey("threads.order_id"), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("author_id", sa.Uuid, sa.ForeignKey("people.account_id"), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("read_at", sa.DateTime(timezone=True)),
        sa.UniqueConstraint("order_id", "position", name="messages_position"),
        sa.CheckConstraint("char_length(body) BETWEEN 1 AND 4000", name="messages_body"),
    )
    by_author = ["order_id", "author_id", "position"]
    op.create_index("messages_unread", "messages", by_author, postgresql_where=sa.text("read_at IS NULL"))


def create_notifications() -> None:
    op.create_table(
        "notifications",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("cause_id", sa.Uuid, nullable=False),
        sa.Column("recipient_id", sa.Uuid, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("order_id", sa.Uuid),
        sa.Column("actor_id", sa.Uuid),
        sa.Column("actor_name", sa.Text, nullable=False),
        sa.Column("data", JSONB, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("read_at", sa.DateTime(timezone=True)),
        sa.UniqueConstraint("cause_id", "recipient_id", "type", name="notifications_once_per_cause"),
    )
    newest_first: Columns = ["recipient_id", sa.text("created_at DESC"), sa.text("id DESC")]
    op.create_index("notifications_of_recipient", "notifications", newest_first)
    unread, read = sa.text("read_at IS NULL"), sa.text("read_at IS NOT NULL")
    op.create_index("notifications_unread", "notifications", newest_first, postgresql_where=unread)
    op.create_index("notifications_read", "notifications", newest_first, postgresql_where=read)


def create_preferences() -> None:
    names = [
        f"{category}_{channel}"
        for category in ("order_updates", "messages", "reviews", "payments")
        for channel in ("in_app", "email")
    ]
    op.create_table(
        "preferences",
        sa.Column("account_id", sa.Uuid, primary_key=True),
        *(sa.Column(name, sa.Boolean, nullable=False, server_default=sa.text("true")) for name in names),
    )
