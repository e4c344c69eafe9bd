"""Projections: rows that a service stores of another service's data, each with the version it reflects."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, true
from sqlalchemy.dialects.postgresql import insert

ANY_ROW: ColumnElement[bool] = true()


def save_if_newer(
    connection: Connection,
    table: Table,
    row: Mapping[str, Any],
    *,
    key: Sequence[str],
    version: str,
    only_if: ColumnElement[bool] = ANY_ROW,
) -> bool:
    """Inserts a row, or updates the stored one when the version offered is newer.

    Events may arrive late, twice or in any order: an equal or older version changes nothing.
    `key` names the columns of the table's key, `version` the column that holds the version;
    `only_if` is a further condition on the stored row. Returns whether the table has changed.
    """
    offered = insert(table).values(**row)
    new = offered.excluded
    statement = offered.on_conflict_do_update(
        index_elements=list(key),
        set_={name: new[name] for name in row if name not in key},
        where=and_(table.c[version] < new[version], only_if),
    ).returning(table.c[version])
    return connection.execute(statement).first() is not None
