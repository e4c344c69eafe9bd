"""Search terms that are computed by the service, so that no locale decides what is found.

`search` and `title_words` stay for processes of the release before, which read them.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from services.catalog.text_analysis.terms import VERSION, document_terms, name_terms

revision = "0003"
down_revision = "0002"

BATCH = 200
COLUMNS = """
    ALTER TABLE services
        ADD COLUMN IF NOT EXISTS search_terms tsvector,
        ADD COLUMN IF NOT EXISTS title_terms tsvector,
        ADD COLUMN IF NOT EXISTS title_transliterated text,
        ADD COLUMN IF NOT EXISTS name_transliterated text,
        ADD COLUMN IF NOT EXISTS terms_version smallint NOT NULL DEFAULT 0,
        ADD COLUMN IF NOT EXISTS indexed_at timestamptz
"""
# Texts without terms: plain words until the service has computed them.
TRIGGER = """
    CREATE OR REPLACE FUNCTION mark_stale_terms() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'INSERT' THEN
            IF NEW.indexed_at IS NOT NULL THEN RETURN NEW; END IF;
        ELSIF NEW.indexed_at IS DISTINCT FROM OLD.indexed_at
            OR (NEW.title, NEW.provider_name, NEW.category, NEW.description)
                IS NOT DISTINCT FROM (OLD.title, OLD.provider_name, OLD.category, OLD.description) THEN
            RETURN NEW;
        END IF;
        NEW.terms_version := 0;
        NEW.title_terms := setweight(to_tsvector('simple', NEW.title), 'A');
        NEW.search_terms := NEW.title_terms
            || setweight(to_tsvector('simple', NEW.provider_name), 'B')
            || setweight(to_tsvector('simple', NEW.category), 'C')
            || setweight(to_tsvector('simple', NEW.description), 'D');
        NEW.title_transliterated := lower(NEW.title);
        NEW.name_transliterated := lower(NEW.provider_name);
        RETURN NEW;
    END $$;
    CREATE OR REPLACE TRIGGER services_stale_terms
        BEFORE INSERT OR UPDATE OF title, provider_name, category, description ON services
        FOR EACH ROW EXECUTE FUNCTION mark_stale_terms();
"""
STALE = """
    SELECT id, title, provider_name, category, description FROM services
    WHERE id > :after AND terms_version = 0 ORDER BY id LIMIT :batch FOR UPDATE
"""
FILL = """
    UPDATE services SET search_terms = CAST(:terms AS tsvector), title_terms = CAST(:title_terms AS tsvector),
        title_transliterated = :title, name_transliterated = :name, terms_version = :version,
        indexed_at = clock_timestamp()
    WHERE id = :id
"""
INDEXES = {
    "services_terms": "USING gin (search_terms) WHERE status = 'active'",
    "services_title_terms": "USING gin (title_terms) WHERE status = 'active'",
    "services_transliterated": "USING gist ((title_transliterated || ' ' || name_transliterated)"
    " gist_trgm_ops (siglen=64)) WHERE status = 'active'",
    "services_terms_version": "(terms_version)",
}


def upgrade() -> None:
    """Adds and fills them while the release before goes on working; one that was cut short goes on."""
    op.execute(COLUMNS)
    op.execute(TRIGGER)
    for column in ("search_terms", "title_terms"):
        op.execute(f"ALTER TABLE services ALTER COLUMN {column} SET STATISTICS 1000")
    with op.get_context().autocommit_block():
        fill_all(op.get_bind().engine)
        for name, definition in INDEXES.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")  # invalid, of an attempt cut short
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON services {definition}")
        op.execute("ANALYZE services")


def fill_all(engine: sa.Engine) -> None:
    """Fills every row there is, a batch in a transaction: each row is locked for a moment only."""
    last = "00000000-0000-0000-0000-000000000000"
    while last:
        with engine.begin() as connection:
            rows = connection.execute(sa.text(STALE), {"after": last, "batch": BATCH}).all()
            if rows:
                connection.execute(sa.text(FILL), [columns(row) for row in rows])
        last = str(rows[-1].id) if rows else ""


def columns(row: sa.Row[Any]) -> dict[str, object]:
    document = document_terms(row.title, row.provider_name, row.category, row.description)
    return {
        "id": row.id,
        "terms": document.terms,
        "title_terms": document.title_terms,
        "title": document.title_transliterated,
        "name": name_terms(row.provider_name).transliterated,
        "version": VERSION,
    }
