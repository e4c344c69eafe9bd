"""Keyset pages: an opaque cursor holds the last row's sort position, bound to the filters.

A position is a NamedTuple, one class for each order that lists have. Anyone can make up a cursor, so
each value is checked by its field's type before it reaches a statement.
"""

import base64
import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import (
    Annotated,
    Any,
    Generic,
    NamedTuple,
    TypeAlias,
    TypedDict,
    TypeVar,
    get_args,
    get_type_hints,
)

from kit.errors import BadQuery
from kit.http.parsing import decode_json, decode_text, is_storable
from kit.validation import is_id, read_rfc3339, rfc3339

Row = TypeVar("Row")
Item = TypeVar("Item")
Position = TypeVar("Position", bound=tuple[Any, ...])

# The types of a position's fields, besides `datetime` and `float`: a type and the test of its values.
RowId: TypeAlias = Annotated[str, is_id]
RowNumber: TypeAlias = Annotated[int, range(1, 2**31).__contains__]
Int32: TypeAlias = Annotated[int, range(2**31).__contains__]
Int64: TypeAlias = Annotated[int, range(2**62).__contains__]


class ById(NamedTuple):
    """The position in a list that is sorted by id."""

    id: RowId


class ByTime(NamedTuple):
    """The position in a list that is sorted by a time, then by id."""

    time: datetime
    id: RowId


class Page(TypedDict, Generic[Item]):
    """The answer of a paged RPC."""

    data: list[Item]
    next_cursor: str | None


def encode_cursor(filters: Mapping[str, Any], position: Sequence[Any]) -> str:
    """The cursor after a row at `position`."""
    values = [rfc3339(value) if isinstance(value, datetime) else value for value in position]
    raw = json.dumps([_digest(filters), *values], separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decode_cursor(
    cursor: str | None, filters: Mapping[str, Any], position: type[Position]
) -> Position | None:
    """The position a cursor holds, or None for the first page.

    Raises: BadQuery when it is not one of ours, or was made under other filters.
    """
    if cursor is None:
        return None
    digest, *values = _decode(cursor)
    if not all(_is_plain(value) for value in values):
        raise _bad_cursor("It is not one this API gave out.")
    types = list(get_type_hints(position, include_extras=True).values())
    if digest != _digest(filters) or len(values) != len(types):
        raise _bad_cursor("It belongs to another list or other filters.")
    try:
        return position(*map(_checked, values, types))
    except (TypeError, ValueError, OverflowError) as error:
        raise _bad_cursor("It is not one this API gave out.") from error


def page_of(
    rows: Sequence[Row],
    limit: int,
    filters: Mapping[str, Any],
    position: Callable[[Row], Sequence[Any]],
    render: Callable[[Row], Item],
) -> Page[Item]:
    """A page from up to `limit + 1` rows: the extra row only says that there is more."""
    shown = rows[:limit]
    more = len(rows) > limit
    cursor = encode_cursor(filters, position(shown[-1])) if more else None
    return {"data": [render(row) for row in shown], "next_cursor": cursor}


def _decode(cursor: str) -> list[Any]:
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        digest, *values = decode_json(decode_text(raw))
    except (ValueError, TypeError) as error:
        raise _bad_cursor("It is not one this API gave out.") from error
    return [digest, *values]


def _is_plain(value: object) -> bool:
    """Whether `encode_cursor` could have written this value: a text, a number or nothing."""
    if isinstance(value, str):
        return is_storable(value)
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or (isinstance(value, int) and abs(value) < 2**63)


def _checked(value: Any, kind: Any) -> Any:
    """The value as its field's type. Raises: ValueError, TypeError."""
    if kind is datetime:
        return read_rfc3339(value)
    if kind is float and type(value) in (int, float):
        return float(value)
    expected, is_allowed = get_args(kind) or (kind, lambda _: True)
    if type(value) is not expected or not is_allowed(value):
        raise ValueError(value)
    return value


def _digest(filters: Mapping[str, Any]) -> str:
    canonical = json.dumps(filters, sort_keys=True, default=str)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def _bad_cursor(detail: str) -> BadQuery:
    return BadQuery.parameter("cursor", "invalid_cursor", f"The cursor cannot be used. {detail}")
