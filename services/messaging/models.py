"""The tables of messaging, with the constraints that the database enforces."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from chassis.storage.tables import chassis_tables, timestamptz

METADATA = MetaData()
chassis_tables(METADATA)

ACCOUNT_NAMES = Table(
    "people",
    METADATA,
    Column("account_id", Uuid(as_uuid=False), primary_key=True),
    Column("display_name", Text, nullable=False),
    # 0: known from an order only; any event of accounts is newer
    Column("account_version", Integer, nullable=False, server_default=text("0")),
)

THREADS = Table(
    "threads",
    METADATA,
    Column("order_id", Uuid(as_uuid=False), primary_key=True),
    Column("order_number", Text, nullable=False),
    Column("order_status", SmallInteger, nullable=False),
    Column("order_version", Integer, nullable=False),
    # 0: stored from an answer of orders, before its events arrived
    Column("sequence", Integer, nullable=False),
    Column("customer_id", ForeignKey("people.account_id"), nullable=False),
    Column("provider_id", ForeignKey("people.account_id"), nullable=False),
    Column("service_id", Uuid(as_uuid=False), nullable=False),
    Column("service_title", Text, nullable=False),
    Column("message_count", Integer, nullable=False, server_default=text("0")),
    Column("customer_unread", Integer, nullable=False, server_default=text("0")),
    Column("provider_unread", Integer, nullable=False, server_default=text("0")),
    timestamptz("updated_at", nullable=False, server_default=func.now()),
    CheckConstraint("order_status IN (1, 2, 3, 4, 7)", name="threads_order_status"),
    CheckConstraint("customer_id <> provider_id", name="threads_two_parties"),
    CheckConstraint("customer_unread BETWEEN 0 AND message_count", name="threads_customer_unread"),
    CheckConstraint("provider_unread BETWEEN 0 AND message_count", name="threads_provider_unread"),
    Index("threads_of_customer", "customer_id", text("updated_at DESC"), text("order_id DESC")),
    Index("threads_of_provider", "provider_id", text("updated_at DESC"), text("order_id DESC")),
)

MESSAGES = Table(
    "messages",
    METADATA,
    Column("id", Uuid(as_uuid=False), primary_key=True),
    Column("order_id", ForeignKey("threads.order_id"), nullable=False),
    # 1, 2, 3 … without gaps, assigned under the lock of the thread's row: the order of messages
    Column("position", Integer, nullable=False),
    Column("author_id", ForeignKey("people.account_id"), nullable=False),
    Column("body", Text, nullable=False),
    timestamptz("created_at", nullable=False, server_default=func.now()),
    timestamptz("read_at"),
    UniqueConstraint("order_id", "position", name="messages_position"),
    CheckConstraint("char_length(body) BETWEEN 1 AND 4000", name="messages_body"),
    Index("messages_unread", "order_id", "author_id", "position", postgresql_where=text("read_at IS NULL")),
)

NOTIFICATIONS = Table(
    "notifications",
    METADATA,
    Column("id", Uuid(as_uuid=False), primary_key=True),
    Column("cause_id", Uuid(as_uuid=False), nullable=False),
    Column("recipient_id", Uuid(as_uuid=False), nullable=False),
    Column("type", Text, nullable=False),
    Column("order_id", Uuid(as_uuid=False)),
    Column("actor_id", Uuid(as_uuid=False)),
    Column("actor_name", Text, nullable=False),
    Column("data", JSONB, nullable=False),
    timestamptz("created_at", nullable=False, server_default=func.now()),
    timestamptz("read_at"),
    UniqueConstraint("cause_id", "recipient_id", "type", name="notifications_once_per_cause"),
    Index("notifications_of_recipient", "recipient_id", text("created_at DESC"), text("id DESC")),
    Index(
        "notifications_unread",
        "recipient_id",
        text("created_at DESC"),
        text("id DESC"),
        postgresql_where=text("read_at IS NULL"),
    ),
    Index(
        "notifications_read",
        "recipient_id",
        text("created_at DESC"),
        text("id DESC"),
        postgresql_where=text("read_at IS NOT NULL"),
    ),
)


def _choice(name: str) -> Column[bool]:
    return Column(name, Boolean, nullable=False, server_default=text("true"))


PREFERENCES = Table(
    "preferences",
    METADATA,
    Column("account_id", Uuid(as_uuid=False), primary_key=True),
    _choice("order_updates_in_app"),
    _choice("order_updates_email"),
    _choice("messages_in_app"),
    _choice("messages_email"),
    _choice("reviews_in_app"),
    _choice("reviews_email"),
    _choice("payments_in_app"),
    _choice("payments_email"),
)
