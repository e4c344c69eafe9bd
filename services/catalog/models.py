"""Tables and constraints of catalog."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import TSVECTOR

from chassis.storage.tables import chassis_tables, timestamptz

METADATA = MetaData()
chassis_tables(METADATA)

CATEGORIES = Table(
    "categories",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("position", Integer, nullable=False, unique=True),
)

# The display names of providers. `account_version` is 0 while the name is an access token's.
ACCOUNT_NAMES = Table(
    "providers",
    METADATA,
    Column("id", Uuid(as_uuid=False), primary_key=True),
    Column("display_name", Text, nullable=False),
    Column("account_version", Integer, nullable=False, server_default="0"),
)

# `public` is false for drafts and for what was a draft when it was archived: nobody else ever sees
# those. `rating_average` is 0 while nobody has rated, so that sorting needs no NULLS LAST.
# What follows it is for the search: see indexing.py. `search` and `title_words` are only read by
# processes of the release before search_terms.
SERVICES = Table(
    "services",
    METADATA,
    Column("id", Uuid(as_uuid=False), primary_key=True),
    Column("provider_id", Uuid(as_uuid=False), nullable=False),
    Column("provider_name", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("category", Text, ForeignKey("categories.id", name="services_category"), nullable=False),
    Column("price_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("delivery_days", Integer, nullable=False),
    Column("revisions", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("public", Boolean, nullable=False),
    Column("version", Integer, nullable=False, server_default="1"),
    timestamptz("created_at", nullable=False, server_default=func.now()),
    timestamptz("updated_at", nullable=False, server_default=func.now()),
    Column("rating_version", Integer, nullable=False, server_default="0"),
    Column("rating_count", Integer, nullable=False, server_default="0"),
    Column("rating_average", Double, nullable=False, server_default="0"),
    Column(
        "search",
        TSVECTOR,
        Computed(
            "setweight(to_tsvector('english', title), 'A')"
            " || setweight(to_tsvector('english', provider_name), 'B')"
            " || setweight(to_tsvector('english', category), 'C')"
            " || setweight(to_tsvector('english', description), 'D')",
            persisted=True,
        ),
    ),
    Column("title_words", TSVECTOR, Computed("to_tsvector('english', title)", persisted=True)),
    Column("search_terms", TSVECTOR),
    Column("title_terms", TSVECTOR),
    Column("title_transliterated", Text),
    Column("name_transliterated", Text),
    Column("terms_version", SmallInteger, nullable=False, server_default="0"),
    timestamptz("indexed_at"),
    CheckConstraint("status IN ('draft', 'active', 'paused', 'archived')", name="services_status"),
    CheckConstraint(
        "CASE status WHEN 'draft' THEN NOT public WHEN 'archived' THEN true ELSE public END",
        name="services_public",
    ),
    CheckConstraint("price_minor BETWEEN 1 AND 1000000000000", name="services_price"),
    CheckConstraint("delivery_days BETWEEN 1 AND 90", name="services_delivery_days"),
    CheckConstraint("revisions BETWEEN 0 AND 10", name="services_revisions"),
    CheckConstraint("char_length(title) BETWEEN 5 AND 120", name="services_title"),
    CheckConstraint("char_length(description) BETWEEN 20 AND 5000", name="services_description"),
)

OF_ACTIVE = text("status = 'active'")
IN_TITLE_AND_NAME = text("(title || ' ' || provider_name) gist_trgm_ops (siglen=64)")
TRANSLITERATED = text("(title_transliterated || ' ' || name_transliterated) gist_trgm_ops (siglen=64)")

# One index per order of a list, read forwards or backwards; those of lists that everybody sees
# hold active services only.
_at = SERVICES.c
Index("services_newest", _at.created_at, _at.id, postgresql_where=OF_ACTIVE)
Index("services_cheapest", _at.currency, _at.price_minor, _at.id, postgresql_where=OF_ACTIVE)
Index("services_best", _at.rating_average, _at.rating_count, _at.id, postgresql_where=OF_ACTIVE)
Index(
    "services_category_newest",
    _at.category,
    _at.created_at,
    _at.id,
    postgresql_where=OF_ACTIVE,
)
Index(
    "services_category_cheapest",
    *(_at.category, _at.currency, _at.price_minor, _at.id),
    postgresql_where=OF_ACTIVE,
)
Index(
    "services_category_best",
    *(_at.category, _at.rating_average, _at.rating_count, _at.id),
    postgresql_where=OF_ACTIVE,
)
Index("services_of_provider", _at.provider_id, _at.created_at, _at.id)
Index("services_words", _at.search, postgresql_using="gin", postgresql_where=OF_ACTIVE)
Index("services_title_words", _at.title_words, postgresql_using="gin", postgresql_where=OF_ACTIVE)
Index(
    "services_similar_words",
    IN_TITLE_AND_NAME,
    _table=SERVICES,
    postgresql_using="gist",
    postgresql_where=OF_ACTIVE,
)
Index("services_terms", _at.search_terms, postgresql_using="gin", postgresql_where=OF_ACTIVE)
Index("services_title_terms", _at.title_terms, postgresql_using="gin", postgresql_where=OF_ACTIVE)
Index("services_terms_version", _at.terms_version)
Index(
    "services_transliterated",
    TRANSLITERATED,
    _table=SERVICES,
    postgresql_using="gist",
    postgresql_where=OF_ACTIVE,
)

_FOR_SEARCH = frozenset(
    {
        *("search", "title_words", "search_terms", "title_terms", "title_transliterated"),
        *("name_transliterated", "terms_version", "indexed_at"),
    }
)
SHOWN = tuple(column for column in SERVICES.c if column.name not in _FOR_SEARCH)
