"""The first tables of the reviews service."""

import sqlalchemy as sa
from alembic import op

from chassis.storage.migrations import create_chassis_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.Uuid(as_uuid=False)
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Creates them."""
    create_chassis_tables()
    _create_review_slots()
    _create_reviews()
    _create_ratings()
    op.create_table(
        "display_names",
        sa.Column("account_id", ID, primary_key=True),
        sa.Column("display_name", sa.Text, nullable=False),
        sa.Column("account_version", sa.Integer, nullable=False),
    )


def _create_review_slots() -> None:
    op.create_table(
        "review_slots",
        sa.Column("order_id", ID, primary_key=True),
        sa.Column("customer_id", ID, nullable=False),
        sa.Column("customer_name", sa.Text, nullable=False),
        sa.Column("provider_id", ID, nullable=False),
        sa.Column("provider_name", sa.Text, nullable=False),
        sa.Column("service_id", ID, nullable=False),
        sa.Column("service_title", sa.Text, nullable=False),
        sa.Column("status", sa.SmallInteger, nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("completed_at", MOMENT),
        sa.CheckConstraint("status IN (1, 2, 3, 4, 7)", name="review_slots_status"),
        sa.CheckConstraint("(status = 4) = (completed_at IS NOT NULL)", name="review_slots_completed_at"),
    )


def _create_reviews() -> None:
    op.create_table(
        "reviews",
        sa.Column("id", ID, primary_key=True),
        sa.Column("order_id", ID, sa.ForeignKey("review_slots.order_id"), nullable=False, unique=True),
        sa.Column("provider_id", ID, nullable=False),
        sa.Column("rating", sa.SmallInteger, nullable=False),
        sa.Column("text", sa.Text),
        sa.Column("reply_text", sa.Text),
        sa.Column("reply_created_at", MOMENT),
        sa.Column("hidden_at", MOMENT),
        sa.Column("hidden_reason", sa.Text),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("version", sa.Integer, nullable=False, server_default=sa.text("1")),
        sa.CheckConstraint("rating BETWEEN 1 AND 5", name="reviews_rating"),
        sa.CheckConstraint("char_length(text) <= 2000", name="reviews_text"),
        sa.CheckConstraint("char_length(reply_text) BETWEEN 1 AND 2000", name="reviews_reply_text"),
        sa.CheckConstraint("(reply_text IS NULL) = (reply_created_at IS NULL)", name="reviews_reply"),
        sa.CheckConstraint("(hidden_reason IS NULL) = (hidden_at IS NULL)", name="reviews_hidden"),
    )
    op.create_index(
        "reviews_of_provider",
        "reviews",
        ["provider_id", "created_at", "id"],
        postgresql_where=sa.text("hidden_at IS NULL"),
    )


def _create_ratings() -> None:
    op.create_table(
        "ratings",
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("subject_id", ID, nullable=False),
        sa.Column("stars_total", sa.Integer, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("rating_version", sa.Integer, nullable=False, server_default=sa.text("1")),
        sa.PrimaryKeyConstraint("subject", "subject_id"),
        sa.CheckConstraint("subject IN ('provider', 'service')", name="ratings_subject"),
        sa.CheckConstraint("stars_total BETWEEN count AND 5 * count", name="ratings_stars_total"),
    )
