"""Categories, providers and services, with the indexes that lists and the search read."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

from chassis.storage.migrations import create_chassis_tables

revision = "0001"
down_revision = None

CATEGORIES = (
    ("writing", "Writing"),
    ("translation", "Translation"),
    ("design", "Design"),
    ("photography", "Photography"),
    ("video-audio", "Video and audio"),
    ("music", "Music"),
    ("programming", "Programming"),
    ("data", "Data"),
    ("marketing", "Marketing"),
    ("business", "Business"),
    ("education", "Education"),
    ("lifestyle", "Lifestyle"),
    ("events", "Events"),
    ("home", "Home"),
    ("crafts", "Crafts"),
    ("other", "Other"),
)
SEARCH = """
    setweight(to_tsvector('english', title), 'A')
    || setweight(to_tsvector('english', provider_name), 'B')
    || setweight(to_tsvector('english', category), 'C')
    || setweight(to_tsvector('english', description), 'D')
"""
ORDERS_OF_LISTS = {
    "services_newest": "created_at, id",
    "services_cheapest": "currency, price_minor, id",
    "services_best": "rating_average, rating_count, id",
    "services_category_newest": "category, created_at, id",
    "services_category_cheapest": "category, currency, price_minor, id",
    "services_category_best": "category, rating_average, rating_count, id",
}
WORDS = {
    "services_words": "gin (search)",
    "services_title_words": "gin (title_words)",
    "services_similar_words": "gist ((title || ' ' || provider_name) gist_trgm_ops (siglen=64))",
}


def upgrade() -> None:
    create_chassis_tables()
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    create_categories()
    create_providers()
    create_services()
    create_indexes()


def create_categories() -> None:
    table = op.create_table(
        "categories",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        sa.Column("position", sa.Integer, nullable=False, unique=True),
    )
    op.bulk_insert(
        table,
        [{"id": slug, "name": name, "position": place} for place, (slug, name) in enumerate(CATEGORIES, 1)],
    )


def create_providers() -> None:
    op.create_table(
        "providers",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("display_name", sa.Text, nullable=False),
        sa.Column("account_version", sa.Integer, nullable=False, server_default="0"),
    )


def create_services() -> None:
    op.create_table(
        "services",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("provider_id", sa.Uuid, nullable=False),
        sa.Column("provider_name", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column(
            "category", sa.Text, sa.ForeignKey("categories.id", name="services_category"), nullable=False
        ),
        sa.Column("price_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("delivery_days", sa.Integer, nullable=False),
        sa.Column("revisions", sa.Integer, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("public", sa.Boolean, nullable=False),
        sa.Column("version", sa.Integer, nullable=False, server_default="1"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("rating_version", sa.Integer, nullable=False, server_default="0"),
        sa.Column("rating_count", sa.Integer, nullable=False, server_default="0"),
        sa.Column("rating_average", sa.Double, nullable=False, server_default="0"),
        sa.Column("search", TSVECTOR, sa.Computed(SEARCH, persisted=True)),
        sa.Column("title_words", TSVECTOR, sa.Computed("to_tsvector('english', title)", persisted=True)),
        sa.CheckConstraint("status IN ('draft', 'active', 'paused', 'archived')", name="services_status"),
        sa.CheckConstraint(
            "CASE status WHEN 'draft' THEN NOT public WHEN 'archived' THEN true ELSE public END",
            name="services_public",
        ),
        sa.CheckConstraint("price_minor BETWEEN 1 AND 1000000000000", name="services_price"),
        sa.CheckConstraint("delivery_days BETWEEN 1 AND 90", name="services_delivery_days"),
        sa.CheckConstraint("revisions BETWEEN 0 AND 10", name="services_revisions"),
        sa.CheckConstraint("char_length(title) BETWEEN 5 AND 120", name="services_title"),
        sa.CheckConstraint("char_length(description) BETWEEN 20 AND 5000", name="services_description"),
    )


def create_indexes() -> None:
    op.execute("CREATE INDEX services_of_provider ON services (provider_id, created_at, id)")
    for name, columns in ORDERS_OF_LISTS.items():
        op.execute(f"CREATE INDEX {name} ON services ({columns}) WHERE status = 'active'")
    for name, words in WORDS.items():
        op.execute(f"CREATE INDEX {name} ON services USING {words} WHERE status = 'active'")
    # How rare a word is decides how it is looked up: more words than usual are worth counting.
    for column in ("search", "title_words"):
        op.execute(f"ALTER TABLE services ALTER COLUMN {column} SET STATISTICS 1000")
