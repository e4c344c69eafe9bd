"""The orders lists come in, and where in one a page begins.

Every order ends with the id, so equal values never make a page skip or repeat a row.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, Select, tuple_

from kit.paging import ByTime, Int32, Int64, RowId, decode_cursor
from services.catalog.models import services


class ByPrice(NamedTuple):
    """The position in a list that is sorted by price."""

    price_minor: Int64
    id: RowId


class ByRating(NamedTuple):
    """The position in a list that is sorted by rating."""

    average: float
    reviews: Int32
    id: RowId


class ByRelevance(NamedTuple):
    """The position in a list that is sorted by relevance."""

    relevance: float
    id: RowId


@dataclass(frozen=True)
class Sorting:
    """One order: its columns from the weightiest to the id, all in the same direction; their values in
    a row are its position."""

    columns: tuple[ColumnElement[Any], ...]
    position_type: type[ByTime | ByPrice | ByRating | ByRelevance]
    descending: bool

    def after(self, cursor: str | None, filters: Mapping[str, Any]) -> list[ColumnElement[bool]]:
        """The condition that begins a page; none for the first.

        Raises: BadQuery when the cursor is not one of this list.
        """
        position = decode_cursor(cursor, filters, self.position_type)
        if position is None:
            return []
        here, there = tuple_(*self.columns), tuple_(*position, types=[c.type for c in self.columns])
        return [here < there if self.descending else here > there]

    def sorted(self, query: Select[Any], limit: int) -> Select[Any]:
        """The first `limit` rows in this order, and one more that says whether there are others."""
        order = [column.desc() if self.descending else column.asc() for column in self.columns]
        return query.order_by(*order).limit(limit + 1)

    def position(self, row: Row[Any]) -> ByTime | ByPrice | ByRating | ByRelevance:
        """Returns a row's position in this order."""
        return self.position_type(*(getattr(row, str(column.key)) for column in self.columns))


_at = services.c
NEWEST = Sorting((_at.created_at, _at.id), ByTime, descending=True)
CHEAPEST = Sorting((_at.price_minor, _at.id), ByPrice, descending=False)
DEAREST = Sorting((_at.price_minor, _at.id), ByPrice, descending=True)
BEST_RATED = Sorting((_at.rating_average, _at.rating_count, _at.id), ByRating, descending=True)
BY_NAME = {"-created_at": NEWEST, "price": CHEAPEST, "-price": DEAREST, "-rating": BEST_RATED}


def by_relevance(relevance: ColumnElement[float]) -> Sorting:
    """The most relevant first."""
    return Sorting((relevance, _at.id), ByRelevance, descending=True)
