"""The orders lists come in, and where in one a page begins.

Every order ends with the id, so equal values never make a page skip or repeat a row.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, tuple_

from kit.errors import BadQuery
from kit.paging import decode_cursor
from kit.validation import is_id, read_rfc3339, rfc3339
from services.catalog.models import services

# A cursor travels through the client's hands: each value is checked before SQL sees it.
Check = Callable[[Any], Any]


def _whole(value: Any) -> int:
    if type(value) is not int or not -(2**31) <= value < 2**62:
        raise ValueError(value)
    return value


def _small(value: Any) -> int:
    if _whole(value) >= 2**31:
        raise ValueError(value)
    return int(value)


def _fraction(value: Any) -> float:
    if type(value) not in (int, float) or not math.isfinite(value):
        raise ValueError(value)
    return float(value)


def _id(value: Any) -> str:
    if not is_id(value):
        raise ValueError(value)
    return str(value)


@dataclass(frozen=True)
class Sorting:
    """One order: its columns from the weightiest to the id, all in the same direction."""

    columns: tuple[ColumnElement[Any], ...]
    checks: tuple[Check, ...]
    descending: bool

    def after(self, cursor: str | None, filters: Mapping[str, Any]) -> list[ColumnElement[bool]]:
        """The condition that begins a page; none for the first.

        Raises: BadQuery when the cursor is not one of this list.
        """
        position = decode_cursor(cursor, filters, len(self.columns))
        if position is None:
            return []
        try:
            values = [check(value) for check, value in zip(self.checks, position, strict=True)]
        except (TypeError, ValueError, OverflowError) as error:
            detail = "The cursor cannot be used. It is not one this API gave out."
            raise BadQuery.parameter("cursor", "invalid_cursor", detail) from error
        here, there = tuple_(*self.columns), tuple_(*values, types=[c.type for c in self.columns])
        return [here < there if self.descending else here > there]

    def sorted(self, query: Select[Any], limit: int) -> Select[Any]:
        """The first `limit` rows in this order, and one more that says whether there are others."""
        order = [column.desc() if self.descending else column.asc() for column in self.columns]
        return query.order_by(*order).limit(limit + 1)

    def position(self, row: Row[Any]) -> Sequence[Any]:
        """Where a row stands, as a cursor holds it."""
        values = [getattr(row, str(column.key)) for column in self.columns]
        return [rfc3339(value) if isinstance(value, datetime) else value for value in values]


_at = services.c
NEWEST = Sorting((_at.created_at, _at.id), (read_rfc3339, _id), descending=True)
CHEAPEST = Sorting((_at.price_minor, _at.id), (_whole, _id), descending=False)
DEAREST = Sorting((_at.price_minor, _at.id), (_whole, _id), descending=True)
BEST_RATED = Sorting(
    (_at.rating_average, _at.rating_count, _at.id), (_fraction, _small, _id), descending=True
)
BY_NAME = {"-created_at": NEWEST, "price": CHEAPEST, "-price": DEAREST, "-rating": BEST_RATED}


def by_relevance(relevance: ColumnElement[float]) -> Sorting:
    """The most relevant first."""
    return Sorting((relevance, _at.id), (_fraction, _id), descending=True)
