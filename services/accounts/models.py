"""The tables of accounts. The migrations create them; a test compares the two."""

from sqlalchemy import (
    ARRAY,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from chassis.storage.tables import chassis_tables, timestamptz

METADATA = MetaData()
chassis_tables(METADATA)

ACCOUNTS = Table(
    "accounts",
    METADATA,
    Column("id", Uuid(as_uuid=False), primary_key=True),
    Column("email", Text, nullable=False),
    Column("email_normalised", Text, nullable=False, unique=True),
    Column("email_verified", Boolean, nullable=False, server_default=text("false")),
    Column("password_hash", Text, nullable=False),
    timestamptz("password_changed_at", nullable=False, server_default=func.now()),
    Column("display_name", Text, nullable=False),
    Column("bio", Text, nullable=False, server_default=text("''")),
    Column("roles", ARRAY(Text), nullable=False, server_default=text("'{member}'")),
    Column("time_zone", Text, nullable=False, server_default=text("'UTC'")),
    Column("locale", Text, nullable=False, server_default=text("'en'")),
    timestamptz("created_at", nullable=False, server_default=func.now()),
    timestamptz("updated_at", nullable=False, server_default=func.now()),
    Column("version", Integer, nullable=False, server_default=text("1")),
    CheckConstraint("char_length(display_name) BETWEEN 1 AND 80", name="accounts_display_name"),
    CheckConstraint("roles <@ '{member,staff}'", name="accounts_roles"),
)

# One row per sign-in. `expires_at` is when the newest refresh token does.
SESSIONS = Table(
    "sessions",
    METADATA,
    Column("id", Uuid(as_uuid=False), primary_key=True),
    Column("account_id", Uuid(as_uuid=False), ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
    Column("client", Text),
    Column("address", Text),
    timestamptz("created_at", nullable=False, server_default=func.now()),
    timestamptz("last_used_at", nullable=False, server_default=func.now()),
    timestamptz("expires_at", nullable=False),
    timestamptz("revoked_at"),
    Index("sessions_of_account", "account_id", "id", postgresql_where=text("revoked_at IS NULL")),
    Index("sessions_revoked_at", "revoked_at", postgresql_where=text("revoked_at IS NOT NULL")),
    Index("sessions_expires_at", "expires_at"),
)

# Every token a session ever had, as digests, so that one used twice is recognised.
REFRESH_TOKENS = Table(
    "refresh_tokens",
    METADATA,
    Column("digest", LargeBinary, primary_key=True),
    Column("session_id", Uuid(as_uuid=False), ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False),
    timestamptz("issued_at", nullable=False, server_default=func.now()),
    timestamptz("expires_at", nullable=False),
    timestamptz("used_at"),
    Column("used_with", Text),
    Index("refresh_tokens_of_session", "session_id"),
    Index("refresh_tokens_expires_at", "expires_at"),
)

# Recent attempts that are limited (wrong passwords, sign-ups), by keyed digests of e-mail address and
# network, so that neither is stored.
COUNTED_ATTEMPTS = Table(
    "counted_attempts",
    METADATA,
    Column("subject", Text, primary_key=True),
    Column("attempted_at", ARRAY(DateTime(timezone=True)), nullable=False),
    timestamptz("expires_at", nullable=False),
    Index("counted_attempts_expires_at", "expires_at"),
)

# Security events of accounts, shown to their owners.
SECURITY_EVENTS = Table(
    "security_events",
    METADATA,
    Column("id", Uuid(as_uuid=False), primary_key=True),
    Column("account_id", Uuid(as_uuid=False), ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
    Column("type", Text, nullable=False),
    timestamptz("created_at", nullable=False, server_default=func.now()),
    Column("address", Text),
    Column("browser", Text),
    Column("details", JSONB, nullable=False, server_default=text("'{}'")),
    Index("security_events_of_account", "account_id", "id"),
    Index("security_events_created_at", "created_at"),
)

# Used up to revision 0002; dropped once no process of that revision runs any more.
FAILED_SIGN_INS = Table(
    "failed_sign_ins",
    METADATA,
    Column("email_digest", Text, primary_key=True),
    Column("failed_at", ARRAY(DateTime(timezone=True)), nullable=False),
    timestamptz("last_failed_at", nullable=False),
    Index("failed_sign_ins_last_failed_at", "last_failed_at"),
)

# Grants and revocations of the role staff. Append-only.
STAFF_GRANTS = Table(
    "staff_grants",
    METADATA,
    Column("id", Uuid(as_uuid=False), primary_key=True),
    Column("account_id", Uuid(as_uuid=False), ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
    Column("granted", Boolean, nullable=False),
    Column("operator", Text, nullable=False),
    timestamptz("recorded_at", nullable=False, server_default=func.now()),
    Index("staff_grants_of_account", "account_id", "recorded_at"),
)

# Projections of ratings and completed orders of providers. No foreign key: events arrive in any order.
STANDINGS = Table(
    "standings",
    METADATA,
    Column("account_id", Uuid(as_uuid=False), primary_key=True),
    Column("rating_average", Double),
    Column("rating_count", Integer, nullable=False, server_default=text("0")),
    Column("rating_version", Integer, nullable=False, server_default=text("0")),
    Column("completed_orders", Integer, nullable=False, server_default=text("0")),
    CheckConstraint("(rating_count = 0) = (rating_average IS NULL)", name="standings_rating"),
)

# One row per order at status 4, so that each is counted once however often its event arrives.
COMPLETED_ORDERS = Table(
    "completed_orders",
    METADATA,
    Column("order_id", Uuid(as_uuid=False), primary_key=True),
    Column("provider_id", Uuid(as_uuid=False), nullable=False),
    timestamptz("completed_at", nullable=False),
)
