"""Dues, payments, refunds, payouts, the append-only ledger, and the sandbox's own world."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from chassis.storage.migrations import FIRST, create_chassis_tables

revision = "0001"
down_revision = None

MOMENT = sa.DateTime(timezone=True)
ID = sa.Uuid(as_uuid=False)


def upgrade() -> None:
    create_chassis_tables(*FIRST, "operator_acts")
    _create_account_names()
    _create_dues()
    _create_payments()
    _create_refunds()
    _create_payouts()
    _create_balances()
    _create_ledger_movements()
    _create_ledger_entries()
    _create_processor_events()
    _create_ledger_audits()
    _make_ledger_append_only()
    _make_ledger_balance()
    _create_sandbox()


def _intent_columns() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("key_scope", sa.Text),
        sa.Column("key", sa.Text),
        sa.Column("key_fingerprint", sa.Text),
        sa.Column("checks", sa.Integer, server_default=sa.text("0"), nullable=False),
        sa.Column("check_at", MOMENT),
        sa.Column("version", sa.Integer, server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", MOMENT, server_default=sa.text("now()"), nullable=False),
    )


def _create_account_names() -> None:
    op.create_table(
        "account_names",
        sa.Column("account_id", ID, nullable=False),
        sa.Column("display_name", sa.Text, nullable=False),
        sa.Column("account_version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("account_id"),
        comment="What people are called now; an order knows only what they were called then.",
    )


def _create_dues() -> None:
    op.create_table(
        "dues",
        sa.Column("order_id", ID, nullable=False),
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("service_id", ID, nullable=False),
        sa.Column("service_title", sa.Text, nullable=False),
        sa.Column("customer_id", ID, nullable=False),
        sa.Column("customer_name", sa.Text, nullable=False),
        sa.Column("provider_id", ID, nullable=False),
        sa.Column("provider_name", sa.Text, nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("payment_status", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("completed_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("reminders_sent", sa.Integer, server_default=sa.text("0"), nullable=False),
        sa.Column("next_reminder_at", MOMENT),
        sa.CheckConstraint(
            "payment_status IN ('due', 'processing', 'paid', 'failed', 'refunded', 'partly_refunded')",
            name="dues_payment_status",
        ),
        sa.CheckConstraint("amount_minor BETWEEN 1 AND 1000000000000", name="dues_amount"),
        sa.CheckConstraint("customer_id <> provider_id", name="dues_parties"),
        sa.PrimaryKeyConstraint("order_id"),
        comment="What is owed: one row per completed order.",
    )
    op.create_index(
        "dues_to_remind",
        "dues",
        ["next_reminder_at"],
        postgresql_where=sa.text("next_reminder_at IS NOT NULL AND payment_status IN ('due', 'failed')"),
    )


def _create_payments() -> None:
    op.create_table(
        "payments",
        sa.Column("id", ID, nullable=False),
        sa.Column("order_id", ID, nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("fee_minor", sa.BigInteger, nullable=False),
        sa.Column("refunded_minor", sa.BigInteger, server_default=sa.text("0"), nullable=False),
        sa.Column("fee_refunded_minor", sa.BigInteger, server_default=sa.text("0"), nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("processor", sa.Text, nullable=False),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("reference", sa.Text),
        sa.Column("action_url", sa.Text),
        sa.Column("failure", sa.Text),
        sa.Column("paid_at", MOMENT),
        sa.Column("available_at", MOMENT),
        sa.Column("released_at", MOMENT),
        *_intent_columns(),
        sa.CheckConstraint(
            "(check_at IS NOT NULL) = (status IN ('processing', 'requires_action'))", name="payments_check"
        ),
        sa.CheckConstraint(
            "(paid_at IS NOT NULL) = (status IN ('paid', 'partly_refunded', 'refunded'))"
            " AND (paid_at IS NULL) = (available_at IS NULL)",
            name="payments_paid",
        ),
        sa.CheckConstraint(
            "(status = 'refunded') = (refunded_minor = amount_minor)"
            " AND (status = 'partly_refunded') = (refunded_minor BETWEEN 1 AND amount_minor - 1)",
            name="payments_refund_status",
        ),
        sa.CheckConstraint(
            "status IN ('processing', 'requires_action', 'paid', 'partly_refunded', 'refunded', 'failed')",
            name="payments_status",
        ),
        sa.CheckConstraint("amount_minor BETWEEN 1 AND 1000000000000", name="payments_amount"),
        sa.CheckConstraint("fee_minor BETWEEN 0 AND amount_minor", name="payments_fee"),
        sa.CheckConstraint(
            "fee_refunded_minor BETWEEN 0 AND fee_minor"
            " AND refunded_minor - fee_refunded_minor BETWEEN 0 AND amount_minor - fee_minor",
            name="payments_refunded_split",
        ),
        sa.CheckConstraint("refunded_minor BETWEEN 0 AND amount_minor", name="payments_refunded"),
        sa.ForeignKeyConstraint(["order_id"], ["dues.order_id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key_scope", "key", name="payments_key"),
    )
    op.create_index(
        "payments_live", "payments", ["order_id"], unique=True, postgresql_where=sa.text("status <> 'failed'")
    )
    op.create_index("payments_of_order", "payments", ["order_id", "id"])
    op.create_index(
        "payments_to_check", "payments", ["check_at"], postgresql_where=sa.text("check_at IS NOT NULL")
    )
    op.create_index(
        "payments_to_release",
        "payments",
        ["available_at"],
        postgresql_where=sa.text("available_at IS NOT NULL AND released_at IS NULL"),
    )


def _create_refunds() -> None:
    op.create_table(
        "refunds",
        sa.Column("id", ID, nullable=False),
        sa.Column("payment_id", ID, nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("fee_minor", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("actor_id", ID, nullable=False),
        sa.Column("actor_role", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("reference", sa.Text),
        sa.Column("failure", sa.Text),
        *_intent_columns(),
        sa.CheckConstraint("(check_at IS NOT NULL) = (status = 'processing')", name="refunds_check"),
        sa.CheckConstraint("actor_role IN ('provider', 'staff')", name="refunds_actor_role"),
        sa.CheckConstraint("status IN ('processing', 'refunded', 'failed')", name="refunds_status"),
        sa.CheckConstraint("amount_minor >= 1", name="refunds_amount"),
        sa.CheckConstraint("fee_minor BETWEEN 0 AND amount_minor", name="refunds_fee"),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key_scope", "key", name="refunds_key"),
    )
    op.create_index("refunds_of_payment", "refunds", ["payment_id", "id"])
    op.create_index(
        "refunds_to_check", "refunds", ["check_at"], postgresql_where=sa.text("check_at IS NOT NULL")
    )
    op.create_index(
        "refunds_under_way",
        "refunds",
        ["payment_id"],
        unique=True,
        postgresql_where=sa.text("status = 'processing'"),
    )


def _create_payouts() -> None:
    op.create_table(
        "payouts",
        sa.Column("id", ID, nullable=False),
        sa.Column("provider_id", ID, nullable=False),
        sa.Column("provider_name", sa.Text, nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("processor", sa.Text, nullable=False),
        sa.Column("reference", sa.Text),
        sa.Column("failure", sa.Text),
        *_intent_columns(),
        sa.CheckConstraint("(check_at IS NOT NULL) = (status = 'processing')", name="payouts_check"),
        sa.CheckConstraint("status IN ('processing', 'paid', 'failed')", name="payouts_status"),
        sa.CheckConstraint("amount_minor BETWEEN 1 AND 1000000000000", name="payouts_amount"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key_scope", "key", name="payouts_key"),
    )
    op.create_index("payouts_of_provider", "payouts", ["provider_id", "id"])
    op.create_index(
        "payouts_to_check", "payouts", ["check_at"], postgresql_where=sa.text("check_at IS NOT NULL")
    )


def _create_balances() -> None:
    op.create_table(
        "balances",
        sa.Column("provider_id", ID, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("pending_minor", sa.BigInteger, nullable=False),
        sa.Column("available_minor", sa.BigInteger, nullable=False),
        sa.CheckConstraint("pending_minor >= 0", name="balances_pending"),
        sa.PrimaryKeyConstraint("provider_id", "currency"),
        comment="Sums of ledger_entries, kept in the transaction of each movement; "
        "the row is what payouts lock.",
    )


def _create_ledger_movements() -> None:
    op.create_table(
        "ledger_movements",
        sa.Column("id", ID, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("order_id", ID),
        sa.Column("payment_id", ID),
        sa.Column("refund_id", ID),
        sa.Column("payout_id", ID),
        sa.Column("created_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "(kind IN ('capture', 'release', 'refund')) = (payment_id IS NOT NULL)"
            " AND (payment_id IS NULL) = (order_id IS NULL)"
            " AND (kind = 'refund') = (refund_id IS NOT NULL)"
            " AND (kind IN ('payout', 'payout_return')) = (payout_id IS NOT NULL)"
            " AND kind IN ('capture', 'release', 'refund', 'payout', 'payout_return')",
            name="ledger_movements_kind",
        ),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"]),
        sa.ForeignKeyConstraint(["payout_id"], ["payouts.id"]),
        sa.ForeignKeyConstraint(["refund_id"], ["refunds.id"]),
        sa.PrimaryKeyConstraint("id"),
        comment="Append-only: a trigger forbids UPDATE, DELETE and TRUNCATE.",
    )
    op.create_index(
        "ledger_one_capture",
        "ledger_movements",
        ["order_id"],
        unique=True,
        postgresql_where=sa.text("kind = 'capture'"),
    )
    op.create_index("ledger_one_payout", "ledger_movements", ["payout_id", "kind"], unique=True)
    op.create_index(
        "ledger_one_refund",
        "ledger_movements",
        ["refund_id"],
        unique=True,
        postgresql_where=sa.text("kind = 'refund'"),
    )
    op.create_index(
        "ledger_one_release",
        "ledger_movements",
        ["payment_id"],
        unique=True,
        postgresql_where=sa.text("kind = 'release'"),
    )


def _create_ledger_entries() -> None:
    op.create_table(
        "ledger_entries",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("movement_id", ID, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("owner_id", ID),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.CheckConstraint(
            "account IN ('customer_funds', 'provider_pending', 'provider_available', 'platform_fee',"
            " 'payouts')"
            " AND (account = 'platform_fee') = (owner_id IS NULL)",
            name="ledger_entries_account",
        ),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name="ledger_entries_currency"),
        sa.CheckConstraint("amount_minor <> 0", name="ledger_entries_amount"),
        sa.ForeignKeyConstraint(["movement_id"], ["ledger_movements.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("movement_id", "account", name="ledger_entries_line"),
        comment="Append-only; at commit the entries of a movement must sum to zero for each currency.",
    )
    op.create_index("ledger_entries_of_owner", "ledger_entries", ["owner_id", "movement_id"])


def _create_processor_events() -> None:
    op.create_table(
        "processor_events",
        sa.Column("processor", sa.Text, nullable=False),
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("taken_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("processor", "event_id"),
        comment="What a processor posted and was taken: each id once.",
    )
    op.create_index("processor_events_taken_at", "processor_events", ["taken_at"])


def _create_ledger_audits() -> None:
    op.create_table(
        "ledger_audits",
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("started_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", MOMENT),
        sa.Column("findings", JSONB),
        sa.PrimaryKeyConstraint("day"),
    )


def _make_ledger_append_only() -> None:
    op.execute(
        """
        CREATE FUNCTION refuse_change_of_ledger() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'the ledger is append-only' USING ERRCODE = 'restrict_violation';
        END $$
        """
    )
    for table in ("ledger_movements", "ledger_entries"):
        op.execute(
            f"""
            CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_ledger()
            """
        )


def _make_ledger_balance() -> None:
    op.execute(
        """
        CREATE FUNCTION refuse_unbalanced_movement() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            moved uuid := CASE TG_TABLE_NAME WHEN 'ledger_movements' THEN (to_jsonb(NEW) ->> 'id')::uuid
                                             ELSE (to_jsonb(NEW) ->> 'movement_id')::uuid END;
        BEGIN
            IF (SELECT count(*) FROM ledger_entries WHERE movement_id = moved) < 2 OR EXISTS (
                SELECT FROM ledger_entries WHERE movement_id = moved
                GROUP BY currency HAVING sum(amount_minor) <> 0
            ) THEN
                RAISE EXCEPTION 'the entries of a movement must sum to zero'
                    USING ERRCODE = 'check_violation';
            END IF;
            RETURN NULL;
        END $$
        """
    )
    for table in ("ledger_movements", "ledger_entries"):
        op.execute(
            f"""
            CREATE CONSTRAINT TRIGGER {table}_balance AFTER INSERT ON {table}
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse_unbalanced_movement()
            """
        )


def _create_sandbox() -> None:
    op.execute("CREATE SCHEMA sandbox")
    op.create_table(
        "charges",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("token", sa.Text, nullable=False, unique=True),
        sa.Column("order_id", sa.Text, nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("refunded_minor", sa.BigInteger, nullable=False, server_default=sa.text("0")),
        sa.Column("callback_at", MOMENT),
        sa.Column("created_at", MOMENT, nullable=False, server_default=sa.text("now()")),
        sa.CheckConstraint(
            "state IN ('pending', 'requires_action', 'captured', 'declined', 'cancelled')",
            name="charges_state",
        ),
        schema="sandbox",
    )
    op.create_index(
        "charges_to_call_back",
        "charges",
        ["callback_at"],
        schema="sandbox",
        postgresql_where=sa.text("callback_at IS NOT NULL"),
    )
    for name, column in (("refunds", "charge_key"), ("payouts", "provider_id")):
        op.create_table(
            name,
            sa.Column("key", sa.Text, primary_key=True),
            sa.Column(column, sa.Text, nullable=False),
            sa.Column("amount_minor", sa.BigInteger, nullable=False),
            sa.Column("currency", sa.Text, nullable=False),
            sa.Column("created_at", MOMENT, nullable=False, server_default=sa.text("now()")),
            schema="sandbox",
        )
