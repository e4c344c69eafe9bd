"""For the services' migrations: the chassis tables as their first migrations created them, and changes.

The statements are frozen: a table that changes in `tables.py` needs a migration in every service.
"""

from collections.abc import Callable

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSON, JSONB

_TIME = sa.DateTime(timezone=True)
_ID = sa.Uuid(as_uuid=False)
_NOW = sa.text("now()")
_EMPTY = sa.text("'{}'")
FIRST = ("outbox", "inbox", "failed_events", "idempotency")


def create_chassis_tables(*names: str) -> None:
    """Creates the chassis tables of these names; without names the first four."""
    for name in names or FIRST:
        _CREATE[name]()


def drop_outbox_indexes() -> None:
    """Drops the outbox's indexes that nothing needs: each was written for every event, twice.

    Old processes go on working; their relay and an operator's commands do not look there.
    """
    with op.get_context().autocommit_block():
        op.drop_index("outbox_sent_at", "outbox", postgresql_concurrently=True, if_exists=True)
    op.execute("ALTER TABLE outbox DROP CONSTRAINT IF EXISTS outbox_event_id_key")


def _number() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True)


def _create_outbox() -> None:
    op.create_table(
        "outbox",
        _number(),
        sa.Column("event_id", _ID, nullable=False, unique=True),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("body", JSONB, nullable=False),
        sa.Column("context", JSONB, nullable=False, server_default=_EMPTY),
        sa.Column("created_at", _TIME, nullable=False, server_default=_NOW),
        sa.Column("sent_at", _TIME),
    )
    op.create_index("outbox_unsent", "outbox", ["id"], postgresql_where=sa.text("sent_at IS NULL"))
    op.create_index("outbox_sent_at", "outbox", ["sent_at"])


def _create_inbox() -> None:
    op.create_table(
        "inbox",
        sa.Column("consumer", sa.Text, nullable=False),
        sa.Column("event_id", _ID, nullable=False),
        sa.Column("processed_at", _TIME, nullable=False, server_default=_NOW),
        sa.PrimaryKeyConstraint("consumer", "event_id"),
    )
    op.create_index("inbox_processed_at", "inbox", ["processed_at"])


def _create_failed_events() -> None:
    op.create_table(
        "failed_events",
        _number(),
        sa.Column("consumer", sa.Text, nullable=False),
        sa.Column("event_id", _ID, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("body", JSONB, nullable=False),
        sa.Column("context", JSONB, nullable=False, server_default=_EMPTY),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("failed_at", _TIME, nullable=False, server_default=_NOW),
        sa.Column("next_try_at", _TIME),
        sa.Column("parked_at", _TIME),
        sa.UniqueConstraint("consumer", "event_id"),
    )
    op.create_index(
        "failed_events_due", "failed_events", ["next_try_at"], postgresql_where=sa.text("parked_at IS NULL")
    )


def _create_idempotency() -> None:
    op.create_table(
        "idempotency",
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("answer", JSON(none_as_null=True)),
        sa.Column("created_at", _TIME, nullable=False, server_default=_NOW),
        sa.PrimaryKeyConstraint("scope", "key"),
    )
    op.create_index("idempotency_created_at", "idempotency", ["created_at"])


def _create_operator_acts() -> None:
    op.create_table(
        "operator_acts",
        _number(),
        sa.Column("at", _TIME, nullable=False, server_default=_NOW),
        sa.Column("operator", sa.Text, nullable=False),
        sa.Column("act", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("details", JSONB, nullable=False, server_default=_EMPTY),
    )


_CREATE: dict[str, Callable[[], None]] = {
    "outbox": _create_outbox,
    "inbox": _create_inbox,
    "failed_events": _create_failed_events,
    "idempotency": _create_idempotency,
    "operator_acts": _create_operator_acts,
}
