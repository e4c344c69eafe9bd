"""The payments service's tables. The database itself refuses what the rules never do.

Every attempt to pay is a row of `payments`; at most one per order has not failed. A row is committed before
its processor is called, so that after a crash reconciliation finds it by its `check_at`.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
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
from sqlalchemy.dialects.postgresql import JSONB

from chassis.storage.tables import chassis_tables, timestamptz
from services.payments.contract import PaymentStatus, PayoutStatus, ReceivableStatus, RefundStatus
from services.payments.lifecycle import OPEN, REFUNDABLE, UNPAID

ID = Uuid(as_uuid=False)
METADATA = MetaData()
chassis_tables(METADATA)


def _one_of(column: str, statuses: Iterable[str]) -> str:
    listed = ", ".join(f"'{status}'" for status in statuses)
    return f"{column} IN ({listed})"


def _request_columns() -> tuple[Column[Any], ...]:
    """The columns of every request to a processor: the caller's key, and when it is checked again."""
    return (
        Column("key_scope", Text),
        Column("key", Text),
        Column("key_fingerprint", Text),
        Column("checks", Integer, nullable=False, server_default=text("0")),
        timestamptz("check_at"),
        Column("version", Integer, nullable=False, server_default=text("1")),
        timestamptz("created_at", nullable=False, server_default=func.now()),
        timestamptz("updated_at", nullable=False, server_default=func.now()),
    )


ACCOUNT_NAMES = Table(
    "account_names",
    METADATA,
    Column("account_id", ID, primary_key=True),
    Column("display_name", Text, nullable=False),
    Column("account_version", BigInteger, nullable=False),
    comment="What people are called now; an order knows only what they were called then.",
)

RECEIVABLES = Table(
    "dues",
    METADATA,
    Column("order_id", ID, primary_key=True),
    Column("number", Text, nullable=False),
    Column("service_id", ID, nullable=False),
    Column("service_title", Text, nullable=False),
    Column("customer_id", ID, nullable=False),
    Column("customer_name", Text, nullable=False),
    Column("provider_id", ID, nullable=False),
    Column("provider_name", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("payment_status", Text, nullable=False),
    Column("version", Integer, nullable=False),
    timestamptz("completed_at", nullable=False),
    timestamptz("due_at", nullable=False),
    Column("reminders_sent", Integer, nullable=False, server_default=text("0")),
    timestamptz("next_reminder_at"),
    CheckConstraint("amount_minor BETWEEN 1 AND 1000000000000", name="dues_amount"),
    CheckConstraint("customer_id <> provider_id", name="dues_parties"),
    CheckConstraint(
        _one_of("payment_status", ReceivableStatus),
        name="dues_payment_status",
    ),
    Index(
        "dues_to_remind",
        "next_reminder_at",
        postgresql_where=text(f"next_reminder_at IS NOT NULL AND {_one_of('payment_status', UNPAID)}"),
    ),
    comment="What is owed: one row per completed order.",
)

PAYMENTS = Table(
    "payments",
    METADATA,
    Column("id", ID, primary_key=True),
    Column("order_id", ID, ForeignKey("dues.order_id"), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("fee_minor", BigInteger, nullable=False),
    Column("refunded_minor", BigInteger, nullable=False, server_default=text("0")),
    Column("fee_refunded_minor", BigInteger, nullable=False, server_default=text("0")),
    Column("currency", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("processor", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("reference", Text),
    Column("action_url", Text),
    Column("failure", Text),
    timestamptz("paid_at"),
    timestamptz("available_at"),
    timestamptz("released_at"),
    *_request_columns(),
    UniqueConstraint("key_scope", "key", name="payments_key"),
    CheckConstraint("amount_minor BETWEEN 1 AND 1000000000000", name="payments_amount"),
    CheckConstraint("fee_minor BETWEEN 0 AND amount_minor", name="payments_fee"),
    CheckConstraint("refunded_minor BETWEEN 0 AND amount_minor", name="payments_refunded"),
    CheckConstraint(
        "fee_refunded_minor BETWEEN 0 AND fee_minor"
        " AND refunded_minor - fee_refunded_minor BETWEEN 0 AND amount_minor - fee_minor",
        name="payments_refunded_split",
    ),
    CheckConstraint(
        _one_of("status", (*OPEN, *REFUNDABLE, PaymentStatus.REFUNDED, PaymentStatus.FAILED)),
        name="payments_status",
    ),
    CheckConstraint(
        f"(paid_at IS NOT NULL) = ({_one_of('status', (*REFUNDABLE, PaymentStatus.REFUNDED))})"
        " AND (paid_at IS NULL) = (available_at IS NULL)",
        name="payments_paid",
    ),
    CheckConstraint(
        f"(status = '{PaymentStatus.REFUNDED}') = (refunded_minor = amount_minor)"
        f" AND (status = '{PaymentStatus.PARTLY_REFUNDED}')"
        " = (refunded_minor BETWEEN 1 AND amount_minor - 1)",
        name="payments_refund_status",
    ),
    CheckConstraint(f"(check_at IS NOT NULL) = ({_one_of('status', OPEN)})", name="payments_check"),
    Index(
        "payments_live", "order_id", unique=True, postgresql_where=text(f"status <> '{PaymentStatus.FAILED}'")
    ),
    Index("payments_of_order", "order_id", "id"),
    Index("payments_to_check", "check_at", postgresql_where=text("check_at IS NOT NULL")),
    Index(
        "payments_to_release",
        "available_at",
        postgresql_where=text("available_at IS NOT NULL AND released_at IS NULL"),
    ),
)

REFUNDS = Table(
    "refunds",
    METADATA,
    Column("id", ID, primary_key=True),
    Column("payment_id", ID, ForeignKey("payments.id"), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("fee_minor", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("actor_id", ID, nullable=False),
    Column("actor_role", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("reference", Text),
    Column("failure", Text),
    *_request_columns(),
    UniqueConstraint("key_scope", "key", name="refunds_key"),
    CheckConstraint("amount_minor >= 1", name="refunds_amount"),
    CheckConstraint("fee_minor BETWEEN 0 AND amount_minor", name="refunds_fee"),
    CheckConstraint(_one_of("status", RefundStatus), name="refunds_status"),
    CheckConstraint("actor_role IN ('provider', 'staff')", name="refunds_actor_role"),
    CheckConstraint(f"(check_at IS NOT NULL) = (status = '{RefundStatus.PROCESSING}')", name="refunds_check"),
    # The split of a refund builds on those before it, so one is settled before the next begins.
    Index(
        "refunds_under_way",
        "payment_id",
        unique=True,
        postgresql_where=text(f"status = '{RefundStatus.PROCESSING}'"),
    ),
    Index("refunds_of_payment", "payment_id", "id"),
    Index("refunds_to_check", "check_at", postgresql_where=text("check_at IS NOT NULL")),
)

PAYOUTS = Table(
    "payouts",
    METADATA,
    Column("id", ID, primary_key=True),
    Column("provider_id", ID, nullable=False),
    Column("provider_name", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("processor", Text, nullable=False),
    Column("reference", Text),
    Column("failure", Text),
    *_request_columns(),
    UniqueConstraint("key_scope", "key", name="payouts_key"),
    CheckConstraint("amount_minor BETWEEN 1 AND 1000000000000", name="payouts_amount"),
    CheckConstraint(_one_of("status", PayoutStatus), name="payouts_status"),
    CheckConstraint(f"(check_at IS NOT NULL) = (status = '{PayoutStatus.PROCESSING}')", name="payouts_check"),
    Index("payouts_of_provider", "provider_id", "id"),
    Index("payouts_to_check", "check_at", postgresql_where=text("check_at IS NOT NULL")),
)

BALANCES = Table(
    "balances",
    METADATA,
    Column("provider_id", ID, nullable=False),
    Column("currency", Text, nullable=False),
    Column("pending_minor", BigInteger, nullable=False),
    Column("available_minor", BigInteger, nullable=False),
    PrimaryKeyConstraint("provider_id", "currency"),
    CheckConstraint("pending_minor >= 0", name="balances_pending"),
    comment="Sums of ledger_entries, kept in the transaction of each movement; the row is what payouts lock.",
)

MOVEMENTS = Table(
    "ledger_movements",
    METADATA,
    Column("id", ID, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("order_id", ID),
    Column("payment_id", ID, ForeignKey("payments.id")),
    Column("refund_id", ID, ForeignKey("refunds.id")),
    Column("payout_id", ID, ForeignKey("payouts.id")),
    timestamptz("created_at", nullable=False, server_default=func.now()),
    CheckConstraint(
        "(kind IN ('capture', 'release', 'refund')) = (payment_id IS NOT NULL)"
        " AND (payment_id IS NULL) = (order_id IS NULL)"
        " AND (kind = 'refund') = (refund_id IS NOT NULL)"
        " AND (kind IN ('payout', 'payout_return')) = (payout_id IS NOT NULL)"
        " AND kind IN ('capture', 'release', 'refund', 'payout', 'payout_return')",
        name="ledger_movements_kind",
    ),
    Index("ledger_one_capture", "order_id", unique=True, postgresql_where=text("kind = 'capture'")),
    Index("ledger_one_release", "payment_id", unique=True, postgresql_where=text("kind = 'release'")),
    Index("ledger_one_refund", "refund_id", unique=True, postgresql_where=text("kind = 'refund'")),
    Index("ledger_one_payout", "payout_id", "kind", unique=True),
    Index("ledger_movements_of_payment", "payment_id"),
    comment="Append-only: a trigger forbids UPDATE, DELETE and TRUNCATE.",
)

ENTRIES = Table(
    "ledger_entries",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("movement_id", ID, ForeignKey("ledger_movements.id"), nullable=False),
    Column("account", Text, nullable=False),
    Column("owner_id", ID),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    CheckConstraint(
        "account IN ('customer_funds', 'provider_pending', 'provider_available', 'platform_fee', 'payouts')"
        " AND (account = 'platform_fee') = (owner_id IS NULL)",
        name="ledger_entries_account",
    ),
    CheckConstraint("amount_minor <> 0", name="ledger_entries_amount"),
    CheckConstraint("currency ~ '^[A-Z]{3}$'", name="ledger_entries_currency"),
    UniqueConstraint("movement_id", "account", name="ledger_entries_line"),
    Index("ledger_entries_of_owner", "owner_id", "movement_id"),
    comment="Append-only; at commit the entries of a movement must sum to zero for each currency.",
)

PROCESSOR_EVENTS = Table(
    "processor_events",
    METADATA,
    Column("processor", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    timestamptz("taken_at", nullable=False, server_default=func.now()),
    PrimaryKeyConstraint("processor", "event_id"),
    Index("processor_events_taken_at", "taken_at"),
    comment="What a processor posted and was taken: each id once.",
)

AUDITS = Table(
    "ledger_audits",
    METADATA,
    Column("day", Date, primary_key=True),
    timestamptz("started_at", nullable=False, server_default=func.now()),
    timestamptz("finished_at"),
    Column("findings", JSONB),
)
