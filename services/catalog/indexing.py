"""The search terms of a service, stored beside its texts.

Terms are computed in Python, wherever texts are written. A trigger detects texts that were written
without terms (by a process of an earlier release, or by hand): it stores plain words for the moment and
marks the row, and a timer computes the terms. `indexed_at` tells the two apart.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, cast, func, literal_column, select, update
from sqlalchemy.dialects.postgresql import TSVECTOR

from chassis.storage.database import Db
from services.catalog.models import SERVICES
from services.catalog.text_analysis.terms import VERSION, document_terms, name_terms

BATCH = 100
TEXTS = ("title", "provider_name", "category", "description")

_service = SERVICES.c
_ALL_BUT_THE_NAME: ColumnElement[Any] = literal_column("""'{a,c,d}'::"char"[]""")


def term_columns(texts: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the columns to store with a service's texts, of which `texts` holds all."""
    document = document_terms(
        *(texts[name] for name in ("title", "provider_name", "category", "description"))
    )
    return {
        "search_terms": cast(document.terms, TSVECTOR),
        "title_terms": cast(document.title_terms, TSVECTOR),
        "title_transliterated": document.title_transliterated,
        "name_transliterated": name_terms(texts["provider_name"]).transliterated,
        "terms_version": VERSION,
        "indexed_at": func.clock_timestamp(),
    }


def name_columns(provider_name: str) -> dict[str, Any]:
    """Returns the columns to store with another name of the provider, whatever else the row holds."""
    name = name_terms(provider_name)
    others = func.ts_filter(_service.search_terms, _ALL_BUT_THE_NAME)
    return {
        "search_terms": others.op("||")(cast(name.terms, TSVECTOR)),
        "name_transliterated": name.transliterated,
        "indexed_at": func.clock_timestamp(),
    }


def index_stale_services(db: Db) -> None:
    """Computes the terms of all services that have none, or those of an earlier release."""
    while db.write(_index_batch):
        pass


def _index_batch(connection: Connection) -> int:
    """Computes the terms of up to 100 services that no other process works on; how many there were."""
    stale = select(_service.id, *(_service[name] for name in TEXTS)).where(_service.terms_version < VERSION)
    rows = connection.execute(stale.limit(BATCH).with_for_update(skip_locked=True)).all()
    for row in rows:
        connection.execute(update(SERVICES).where(_service.id == row.id).values(term_columns(row._asdict())))
    return len(rows)
