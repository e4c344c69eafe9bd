"""Projections: rows that a service stores of another service's data, each with the version it reflects."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, false, or_, true
from sqlalchemy.dialects.postgresql import insert

ANY_ROW: ColumnElement[bool] = true()
NO_ROW: ColumnElement[bool] = false()


def save_if_newer(
    connection: Connection,
    table: Table,
    row: Mapping[str, Any],
    *,
    key: Sequence[str],
    version: str,
    only_if: ColumnElement[bool] = ANY_ROW,
    incomplete: ColumnElement[bool] = NO_ROW,
) -> bool:
    """Inserts a row, or updates the stored one when the version offered is newer.

    Events may arrive late, twice or in any order: an equal or older version changes nothing.
    `key` names the columns of the table's key, `version` the column that holds the version;
    `only_if` is a further condition on the stored row. A stored row that is `incomplete` is replaced
    by one of the same version too. Returns whether the table has changed.
    """
    offered = insert(table).values(**row)
    new = offered.excluded
    stored = table.c[version]
    is_newer = or_(stored < new[version], and_(stored == new[version], incomplete))
    statement = offered.on_conflict_do_update(
        index_elements=list(key),
        set_={name: new[name] for name in row if name not in key},
        where=and_(is_newer, only_if),
    ).returning(stored)
    return connection.execute(statement).first() is not None
