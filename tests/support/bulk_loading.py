"""Filling tables with very many rows: indexes are dropped before and built once afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, text

_SECONDARY_INDEXES = text("""
    SELECT indexname, indexdef FROM pg_indexes
    WHERE schemaname = 'public' AND tablename = ANY(:tables)
      AND indexname NOT IN (SELECT conname FROM pg_constraint)
""")


@contextmanager
def bulk_loading(connection: Connection, *tables: str) -> Iterator[None]:
    """No secondary indexes, foreign keys and triggers in the block, which is within one transaction."""
    indexes = connection.execute(_SECONDARY_INDEXES, {"tables": list(tables)}).all()
    connection.execute(text("SET LOCAL session_replication_role = replica"))
    connection.execute(text("SET LOCAL maintenance_work_mem = '256MB'"))
    for index in indexes:
        connection.execute(text(f'DROP INDEX "{index.indexname}"'))
    yield
    for index in indexes:
        connection.execute(text(index.indexdef))
    connection.execute(text("SET LOCAL session_replication_role = origin"))
