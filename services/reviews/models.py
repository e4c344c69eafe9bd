"""Tables of the reviews service."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)

from chassis.storage.tables import chassis_tables, timestamptz

METADATA = MetaData()
chassis_tables(METADATA)

REVIEWABLE_ORDERS = Table(
    "review_slots",
    METADATA,
    Column("order_id", Uuid(as_uuid=False), primary_key=True),
    Column("customer_id", Uuid(as_uuid=False), nullable=False),
    Column("customer_name", Text, nullable=False),
    Column("provider_id", Uuid(as_uuid=False), nullable=False),
    Column("provider_name", Text, nullable=False),
    Column("service_id", Uuid(as_uuid=False), nullable=False),
    Column("service_title", Text, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("sequence", Integer, nullable=False),
    timestamptz("completed_at"),
    CheckConstraint("status IN (1, 2, 3, 4, 7)", name="review_slots_status"),
    CheckConstraint("(status = 4) = (completed_at IS NOT NULL)", name="review_slots_completed_at"),
)
"""What is known of each order, completed ones above all: its parties, and since when it may be reviewed."""

REVIEWS = Table(
    "reviews",
    METADATA,
    Column("id", Uuid(as_uuid=False), primary_key=True),
    Column("order_id", Uuid(as_uuid=False), ForeignKey("review_slots.order_id"), nullable=False, unique=True),
    # repeats the order's, so that one index serves the public list of a provider
    Column("provider_id", Uuid(as_uuid=False), nullable=False),
    # likewise for the lists and the ratings of a service
    Column("service_id", Uuid(as_uuid=False), nullable=False),
    Column("rating", SmallInteger, nullable=False),
    Column("text", Text),
    Column("reply_text", Text),
    timestamptz("reply_created_at"),
    timestamptz("hidden_at"),
    Column("hidden_reason", Text),
    timestamptz("created_at", nullable=False),
    timestamptz("updated_at", nullable=False),
    Column("version", Integer, nullable=False, server_default=text("1")),
    CheckConstraint("rating BETWEEN 1 AND 5", name="reviews_rating"),
    CheckConstraint("char_length(text) <= 2000", name="reviews_text"),
    CheckConstraint("char_length(reply_text) BETWEEN 1 AND 2000", name="reviews_reply_text"),
    CheckConstraint("(reply_text IS NULL) = (reply_created_at IS NULL)", name="reviews_reply"),
    CheckConstraint("(hidden_reason IS NULL) = (hidden_at IS NULL)", name="reviews_hidden"),
    Index(
        "reviews_of_provider", "provider_id", "created_at", "id", postgresql_where=text("hidden_at IS NULL")
    ),
    Index(
        "reviews_of_service",
        "service_id",
        "created_at",
        "id",
        postgresql_include=["rating"],
        postgresql_where=text("hidden_at IS NULL"),
    ),
)

RATINGS = Table(
    "ratings",
    METADATA,
    Column("subject", Text, nullable=False),
    Column("subject_id", Uuid(as_uuid=False), nullable=False),
    Column("stars_total", Integer, nullable=False),
    Column("count", Integer, nullable=False),
    Column("rating_version", Integer, nullable=False, server_default=text("1")),
    PrimaryKeyConstraint("subject", "subject_id"),
    CheckConstraint("subject IN ('provider', 'service')", name="ratings_subject"),
    CheckConstraint("stars_total BETWEEN count AND 5 * count", name="ratings_stars_total"),
)
"""Sums over the reviews that are not hidden, one row per provider and per service."""

ACCOUNT_NAMES = Table(
    "display_names",
    METADATA,
    Column("account_id", Uuid(as_uuid=False), primary_key=True),
    Column("display_name", Text, nullable=False),
    Column("account_version", Integer, nullable=False),
)
"""Current display names; an order's event carries those of its time."""
