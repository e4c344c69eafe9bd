"""Orders, their append-only history and the names of their parties."""

import sqlalchemy as sa
from alembic import op

from chassis.storage.migrations import create_chassis_tables

revision = "0001"
down_revision = None

STATUSES = "(1, 2, 3, 4, 7)"
MOMENT = sa.DateTime(timezone=True)
ID = sa.Uuid(as_uuid=False)


def upgrade() -> None:
    create_chassis_tables()
    _create_account_names()
    _create_orders()
    _create_indexes()
    _create_history()
    _make_history_append_only()


def _create_account_names() -> None:
    op.create_table(
        "account_names",
        sa.Column("account_id", ID, primary_key=True),
        sa.Column("display_name", sa.Text, nullable=False),
        sa.Column("account_version", sa.BigInteger, nullable=False),
        comment="Current display names, the only place with any. "
        "Version 0: from an access token or an offer.",
    )


def _create_orders() -> None:
    op.execute(sa.schema.CreateSequence(sa.Sequence("order_numbers", start=100001)))
    party = "account_names.account_id"
    op.create_table(
        "orders",
        sa.Column("id", ID, primary_key=True),
        sa.Column(
            "number", sa.BigInteger, nullable=False, unique=True,
            server_default=sa.text("nextval('order_numbers')"),
        ),
        sa.Column("customer_id", ID, sa.ForeignKey(party), nullable=False),
        sa.Column("provider_id", ID, sa.ForeignKey(party), nullable=False),
        sa.Column("service_id", ID, nullable=False),
        sa.Column("service_title", sa.Text, nullable=False),
        sa.Column("price_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("delivery_days", sa.Integer, nullable=False),
        sa.Column("revisions_allowed", sa.Integer, nullable=False),
        sa.Column("requirements", sa.Text, nullable=False),
        sa.Column("status", sa.SmallInteger, nullable=False),
        sa.Column("payment_status", sa.Text, nullable=False),
        sa.Column("revisions_used", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("disputed_at", MOMENT),
        sa.Column("work_completed_at", MOMENT),
        sa.Column("due_at", MOMENT),
        sa.Column("confirm_by", MOMENT),
        sa.Column("next_reminder_at", MOMENT),
        sa.Column("reminders_sent", sa.Integer, nullable=False),
        sa.Column("completed_at", MOMENT),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        *_order_checks(),
    )  # fmt: skip


def _order_checks() -> list[sa.CheckConstraint]:
    checks = {
        "orders_status": f"status IN {STATUSES}",
        "orders_parties": "customer_id <> provider_id",
        "orders_price": "price_minor BETWEEN 1 AND 1000000000000",
        "orders_revisions": "revisions_used BETWEEN 0 AND revisions_allowed",
        "orders_counters": "version >= 1 AND sequence >= 1",
        "orders_dispute": "disputed_at IS NULL OR status IN (2, 3)",
        "orders_confirmation_clock": "(confirm_by IS NOT NULL) = (status = 3 AND disputed_at IS NULL)",
        "orders_reminder_clock": "next_reminder_at IS NULL OR confirm_by IS NOT NULL",
        "orders_completion": "(completed_at IS NOT NULL) = (status = 4)",
        "orders_payment_status": "payment_status IN ('not_due', 'due', 'processing', 'paid', 'failed',"
        " 'refunded', 'partly_refunded') AND (payment_status = 'not_due') = (status <> 4)",
    }
    return [sa.CheckConstraint(condition, name=name) for name, condition in checks.items()]


def _create_indexes() -> None:
    for role in ("customer", "provider"):
        for sort, column in (("update", "updated_at"), ("creation", "created_at")):
            op.create_index(f"orders_of_{role}_by_{sort}", "orders", [f"{role}_id", "status", column, "id"])
    clocks = {
        "orders_to_expire": ("created_at", "status = 1"),
        "orders_to_confirm": ("confirm_by", "confirm_by IS NOT NULL"),
        "orders_to_remind": ("next_reminder_at", "next_reminder_at IS NOT NULL"),
    }
    for name, (column, running) in clocks.items():
        op.create_index(name, "orders", [column, "id"], postgresql_where=sa.text(running))


def _create_history() -> None:
    op.create_table(
        "order_history",
        sa.Column("order_id", ID, sa.ForeignKey("orders.id"), nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("transition", sa.Text, nullable=False),
        sa.Column("from_status", sa.SmallInteger),
        sa.Column("to_status", sa.SmallInteger, nullable=False),
        sa.Column("actor_id", ID),
        sa.Column("actor_role", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("note", sa.Text),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("order_id", "sequence"),
        sa.CheckConstraint(f"from_status IN {STATUSES}", name="order_history_from_status"),
        sa.CheckConstraint(f"to_status IN {STATUSES}", name="order_history_to_status"),
        sa.CheckConstraint(
            "(transition = 'submit') = (sequence = 1) AND (sequence = 1) = (from_status IS NULL)",
            name="order_history_starts_with_submit",
        ),
        sa.CheckConstraint("(actor_role = 'system') = (actor_id IS NULL)", name="order_history_actor"),
        sa.CheckConstraint(
            "actor_role IN ('customer', 'provider', 'staff', 'system')", name="order_history_actor_role"
        ),
        comment="Append-only: a trigger forbids UPDATE, DELETE and TRUNCATE.",
    )


def _make_history_append_only() -> None:
    op.execute(
        """
        CREATE FUNCTION refuse_change_of_history() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'order_history is append-only' USING ERRCODE = 'restrict_violation';
        END $$
        """
    )
    op.execute(
        """
        CREATE TRIGGER order_history_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON order_history
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_history()
        """
    )
