"""The tables every service has beside its own: outbox, inbox, failed events, answers, operator acts."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSON, JSONB


def moment(name: str, **options: Any) -> Column[Any]:
    """A column that holds an aware time."""
    return Column(name, DateTime(timezone=True), **options)


def chassis_tables(metadata: MetaData) -> None:
    """Adds these tables to a service's metadata."""
    Table(
        "outbox",
        metadata,
        Column("id", BigInteger, Identity(always=True), primary_key=True),
        Column("event_id", Uuid(as_uuid=False), nullable=False, unique=True),
        Column("type", Text, nullable=False),
        Column("body", JSONB, nullable=False),
        Column("context", JSONB, nullable=False, server_default=text("'{}'")),
        moment("created_at", nullable=False, server_default=func.now()),
        moment("sent_at"),
        Index("outbox_unsent", "id", postgresql_where=text("sent_at IS NULL")),
        Index("outbox_sent_at", "sent_at"),
    )
    Table(
        "inbox",
        metadata,
        Column("consumer", Text, nullable=False),
        Column("event_id", Uuid(as_uuid=False), nullable=False),
        moment("processed_at", nullable=False, server_default=func.now()),
        PrimaryKeyConstraint("consumer", "event_id"),
        Index("inbox_processed_at", "processed_at"),
    )
    Table(
        "failed_events",
        metadata,
        Column("id", BigInteger, Identity(always=True), primary_key=True),
        Column("consumer", Text, nullable=False),
        Column("event_id", Uuid(as_uuid=False), nullable=False),
        Column("type", Text, nullable=False),
        Column("body", JSONB, nullable=False),
        Column("context", JSONB, nullable=False, server_default=text("'{}'")),
        Column("attempts", Integer, nullable=False),
        Column("error", Text, nullable=False),
        moment("failed_at", nullable=False, server_default=func.now()),
        moment("next_try_at"),
        moment("parked_at"),
        UniqueConstraint("consumer", "event_id"),
        Index("failed_events_due", "next_try_at", postgresql_where=text("parked_at IS NULL")),
    )
    Table(
        "idempotency",
        metadata,
        Column("scope", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("fingerprint", Text, nullable=False),
        Column("answer", JSON(none_as_null=True)),
        moment("created_at", nullable=False, server_default=func.now()),
        PrimaryKeyConstraint("scope", "key"),
        Index("idempotency_created_at", "created_at"),
    )
    Table(
        "operator_acts",
        metadata,
        Column("id", BigInteger, Identity(always=True), primary_key=True),
        moment("at", nullable=False, server_default=func.now()),
        Column("operator", Text, nullable=False),
        Column("act", Text, nullable=False),
        Column("subject", Text, nullable=False),
        Column("reason", Text),
        Column("details", JSONB, nullable=False, server_default=text("'{}'")),
    )


METADATA = MetaData()
chassis_tables(METADATA)
OUTBOX = METADATA.tables["outbox"]
INBOX = METADATA.tables["inbox"]
FAILED_EVENTS = METADATA.tables["failed_events"]
IDEMPOTENCY = METADATA.tables["idempotency"]
OPERATOR_ACTS = METADATA.tables["operator_acts"]
