"""A review names its service, so that one index serves the list and the stars of a service."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

# While this release takes over from the one before, that one still writes reviews without it.
FILLING = """
    CREATE FUNCTION fill_review_service() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.service_id := (SELECT service_id FROM review_slots WHERE order_id = NEW.order_id);
        RETURN NEW;
    END $$;
    CREATE TRIGGER reviews_service BEFORE INSERT ON reviews FOR EACH ROW
        WHEN (NEW.service_id IS NULL) EXECUTE FUNCTION fill_review_service();
"""


def upgrade() -> None:
    """Adds it, to old reviews too."""
    op.add_column("reviews", sa.Column("service_id", sa.Uuid(as_uuid=False)))
    op.execute(FILLING)
    op.execute(
        "UPDATE reviews SET service_id = review_slots.service_id FROM review_slots"
        " WHERE review_slots.order_id = reviews.order_id"
    )
    op.alter_column("reviews", "service_id", nullable=False)
    op.create_index(
        "reviews_of_service",
        "reviews",
        ["service_id", "created_at", "id"],
        postgresql_include=["rating"],
        postgresql_where=sa.text("hidden_at IS NULL"),
    )
