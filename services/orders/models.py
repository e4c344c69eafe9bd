"""The orders service's tables. Constraints refuse every state that the rules never produce."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Sequence,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)

from chassis.storage.tables import chassis_tables, timestamptz

METADATA = MetaData()
chassis_tables(METADATA)
OUTBOX = METADATA.tables["outbox"]

ORDER_NUMBERS = Sequence("order_numbers", start=100001, metadata=METADATA)

ACCOUNT_NAMES = Table(
    "account_names",
    METADATA,
    Column("account_id", Uuid(as_uuid=False), primary_key=True),
    Column("display_name", Text, nullable=False),
    Column("account_version", BigInteger, nullable=False),
    comment="Current display names, the only place with any. Version 0: from an access token or an offer.",
)

OFFERS = Table(
    "offers",
    METADATA,
    Column("service_id", Uuid(as_uuid=False), primary_key=True),
    Column("service_version", Integer, nullable=False),
    Column("provider_id", Uuid(as_uuid=False), ForeignKey("account_names.account_id")),
    Column("title", Text),
    Column("price_minor", BigInteger),
    Column("currency", Text),
    Column("delivery_days", Integer),
    Column("revisions", Integer),
    Column("status", Text),
    CheckConstraint(
        "num_nulls(provider_id, title, price_minor, currency, delivery_days, revisions, status) IN (0, 7)",
        name="offers_complete",
    ),
    comment="What catalog offers, from its events. Without terms: changed to an offer that is not known.",
)

ORDERS = Table(
    "orders",
    METADATA,
    Column("id", Uuid(as_uuid=False), primary_key=True),
    Column("number", BigInteger, nullable=False, unique=True, server_default=ORDER_NUMBERS.next_value()),
    Column("customer_id", Uuid(as_uuid=False), ForeignKey("account_names.account_id"), nullable=False),
    Column("provider_id", Uuid(as_uuid=False), ForeignKey("account_names.account_id"), nullable=False),
    Column("service_id", Uuid(as_uuid=False), nullable=False),
    Column("service_title", Text, nullable=False),
    Column("price_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("delivery_days", Integer, nullable=False),
    Column("revisions_allowed", Integer, nullable=False),
    Column("requirements", Text, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("payment_status", Text, nullable=False),
    Column("payment_version", Integer, nullable=False, server_default=text("0")),
    timestamptz("payment_due_at"),
    Column("revisions_used", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("sequence", Integer, nullable=False),
    timestamptz("disputed_at"),
    timestamptz("work_completed_at"),
    timestamptz("due_at"),
    timestamptz("confirm_by"),
    timestamptz("next_reminder_at"),
    Column("reminders_sent", Integer, nullable=False),
    timestamptz("completed_at"),
    timestamptz("created_at", nullable=False),
    timestamptz("updated_at", nullable=False),
    # 5 and 6 are reserved: they have no meaning and must not get one by accident.
    CheckConstraint("status IN (1, 2, 3, 4, 7)", name="orders_status"),
    CheckConstraint("customer_id <> provider_id", name="orders_parties"),
    CheckConstraint("price_minor BETWEEN 1 AND 1000000000000", name="orders_price"),
    CheckConstraint("revisions_used BETWEEN 0 AND revisions_allowed", name="orders_revisions"),
    CheckConstraint("version >= 1 AND sequence >= 1", name="orders_counters"),
    CheckConstraint("disputed_at IS NULL OR status IN (2, 3)", name="orders_dispute"),
    CheckConstraint(
        "(confirm_by IS NOT NULL) = (status = 3 AND disputed_at IS NULL)", name="orders_confirmation_clock"
    ),
    CheckConstraint("next_reminder_at IS NULL OR confirm_by IS NOT NULL", name="orders_reminder_clock"),
    CheckConstraint("(completed_at IS NOT NULL) = (status = 4)", name="orders_completion"),
    CheckConstraint(
        "payment_status IN ('not_due', 'due', 'processing', 'paid', 'failed', 'refunded', 'partly_refunded')"
        " AND (payment_status = 'not_due') = (status <> 4)",
        name="orders_payment_status",
    ),
    # Lists: the caller in a role, a status, then the sort with the id as tie-break.
    Index("orders_of_customer_by_update", "customer_id", "status", "updated_at", "id"),
    Index("orders_of_customer_by_creation", "customer_id", "status", "created_at", "id"),
    Index("orders_of_provider_by_update", "provider_id", "status", "updated_at", "id"),
    Index("orders_of_provider_by_creation", "provider_id", "status", "created_at", "id"),
    Index(
        "orders_not_paid",
        "customer_id",
        "payment_due_at",
        postgresql_where=text(
            "payment_status IN ('due', 'processing', 'failed') AND payment_due_at IS NOT NULL"
        ),
    ),
    # Quotas: what waits for an answer, of a customer in all and at one provider.
    Index("orders_pending", "customer_id", "provider_id", postgresql_where=text("status = 1")),
    # Timers: each index holds only the orders for which the timer runs.
    Index("orders_to_expire", "created_at", "id", postgresql_where=text("status = 1")),
    Index("orders_to_confirm", "confirm_by", "id", postgresql_where=text("confirm_by IS NOT NULL")),
    Index(
        "orders_to_remind", "next_reminder_at", "id", postgresql_where=text("next_reminder_at IS NOT NULL")
    ),
)

ORDER_HISTORY = Table(
    "order_history",
    METADATA,
    Column("order_id", Uuid(as_uuid=False), ForeignKey("orders.id"), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("transition", Text, nullable=False),
    Column("from_status", SmallInteger),
    Column("to_status", SmallInteger, nullable=False),
    Column("actor_id", Uuid(as_uuid=False)),
    Column("actor_role", Text, nullable=False),
    Column("reason", Text),
    Column("note", Text),
    timestamptz("created_at", nullable=False),
    PrimaryKeyConstraint("order_id", "sequence"),
    CheckConstraint("from_status IN (1, 2, 3, 4, 7)", name="order_history_from_status"),
    CheckConstraint("to_status IN (1, 2, 3, 4, 7)", name="order_history_to_status"),
    CheckConstraint(
        "(transition = 'submit') = (sequence = 1) AND (sequence = 1) = (from_status IS NULL)",
        name="order_history_starts_with_submit",
    ),
    CheckConstraint("(actor_role = 'system') = (actor_id IS NULL)", name="order_history_actor"),
    CheckConstraint(
        "actor_role IN ('customer', 'provider', 'staff', 'system')", name="order_history_actor_role"
    ),
    comment="Append-only: a trigger forbids UPDATE, DELETE and TRUNCATE.",
)
