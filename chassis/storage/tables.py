"""The tables of every service beside its own: outbox, inbox, failed events, stored answers, audit log."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSON, JSONB


def timestamptz(name: str, **options: Any) -> sa.Column[Any]:
    """Returns a column of times with time zone."""
    return sa.Column(name, sa.DateTime(timezone=True), **options)


def chassis_tables(metadata: sa.MetaData) -> None:
    """Adds these tables to a service's metadata."""
    sa.Table(
        "outbox",
        metadata,
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("event_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("body", JSONB, nullable=False),
        sa.Column("context", JSONB, nullable=False, server_default=sa.text("'{}'")),
        timestamptz("created_at", nullable=False, server_default=sa.func.now()),
        timestamptz("sent_at"),
        sa.Index("outbox_unsent", "id", postgresql_where=sa.text("sent_at IS NULL")),
    )
    sa.Table(
        "inbox",
        metadata,
        sa.Column("consumer", sa.Text, nullable=False),
        sa.Column("event_id", sa.Uuid(as_uuid=False), nullable=False),
        timestamptz("processed_at", nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("consumer", "event_id"),
        sa.Index("inbox_processed_at", "processed_at"),
    )
    sa.Table(
        "failed_events",
        metadata,
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("consumer", sa.Text, nullable=False),
        sa.Column("event_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("body", JSONB, nullable=False),
        sa.Column("context", JSONB, nullable=False, server_default=sa.text("'{}'")),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        timestamptz("failed_at", nullable=False, server_default=sa.func.now()),
        timestamptz("next_try_at"),
        timestamptz("parked_at"),
        sa.UniqueConstraint("consumer", "event_id"),
        sa.Index("failed_events_due", "next_try_at", postgresql_where=sa.text("parked_at IS NULL")),
    )
    sa.Table(
        "idempotency",
        metadata,
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("answer", JSON(none_as_null=True)),
        timestamptz("created_at", nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("scope", "key"),
        sa.Index("idempotency_created_at", "created_at"),
    )
    sa.Table(
        "operator_acts",
        metadata,
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        timestamptz("at", nullable=False, server_default=sa.func.now()),
        sa.Column("operator", sa.Text, nullable=False),
        sa.Column("act", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("details", JSONB, nullable=False, server_default=sa.text("'{}'")),
    )


METADATA = sa.MetaData()
chassis_tables(METADATA)
OUTBOX = METADATA.tables["outbox"]
INBOX = METADATA.tables["inbox"]
FAILED_EVENTS = METADATA.tables["failed_events"]
IDEMPOTENCY = METADATA.tables["idempotency"]
OPERATOR_ACTIONS = METADATA.tables["operator_acts"]
