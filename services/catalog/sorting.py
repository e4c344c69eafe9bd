"""The orders in which lists of services are sorted, and the positions that their cursors hold.

Every order ends with the id, so equal values never make a page skip or repeat a row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, Select, tuple_

from kit.paging import ByTime, Int32, Int64, RowId, decode_cursor
from services.catalog.models import SERVICES


class ByPlace(NamedTuple):
    """The position in the list of categories."""

    position: Int32


class ByPrice(NamedTuple):
    """The position in a list that is sorted by price, then by id."""

    price_minor: Int64
    id: RowId


class ByRating(NamedTuple):
    """The position in a list that is sorted by average rating, number of ratings, then by id."""

    average: float
    rating_count: Int32
    id: RowId


class ByRelevance(NamedTuple):
    """The position in a list that is sorted by relevance, then by id."""

    relevance: float
    id: RowId


@dataclass(frozen=True)
class Sorting:
    """One order: its columns from the most significant to the id, all in the same direction, and the
    type of a position in it."""

    columns: tuple[ColumnElement[Any], ...]
    position: type[tuple[Any, ...]]
    descending: bool

    def after(self, cursor: str | None, filters: Mapping[str, Any]) -> list[ColumnElement[bool]]:
        """Returns the condition that a page begins with; none for the first page.

        Raises: BadQuery when the cursor is not one of this list.
        """
        position = decode_cursor(cursor, filters, self.position)
        if position is None:
            return []
        here, there = tuple_(*self.columns), tuple_(*position, types=[c.type for c in self.columns])
        return [here < there if self.descending else here > there]

    def sorted(self, query: Select[Any], limit: int) -> Select[Any]:
        """Returns the query for the first `limit` rows in this order, and one that shows there are more."""
        order = [column.desc() if self.descending else column.asc() for column in self.columns]
        return query.order_by(*order).limit(limit + 1)

    def position_of(self, row: Row[Any]) -> Sequence[Any]:
        """Returns a row's position, as a cursor holds it."""
        return [getattr(row, str(column.key)) for column in self.columns]


_service = SERVICES.c
NEWEST = Sorting((_service.created_at, _service.id), ByTime, descending=True)
CHEAPEST = Sorting((_service.price_minor, _service.id), ByPrice, descending=False)
DEAREST = Sorting((_service.price_minor, _service.id), ByPrice, descending=True)
BEST_RATED = Sorting((_service.rating_average, _service.rating_count, _service.id), ByRating, descending=True)
BY_NAME = {"-created_at": NEWEST, "price": CHEAPEST, "-price": DEAREST, "-rating": BEST_RATED}


def by_relevance(relevance: ColumnElement[float]) -> Sorting:
    """Returns the order with the most relevant services first."""
    return Sorting((relevance, _service.id), ByRelevance, descending=True)
