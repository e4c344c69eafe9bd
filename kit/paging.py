"""Keyset pages: an opaque cursor holds the last row's sort position, bound to the filters."""

import base64
import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypedDict, TypeVar

from kit.errors import BadQuery
from kit.http.parsing import decode_json, decode_text, is_storable

Row = TypeVar("Row")


class Page(TypedDict):
    """What a paged RPC answers."""

    data: list[dict[str, Any]]
    next_cursor: str | None


def encode_cursor(filters: Mapping[str, Any], position: Sequence[Any]) -> str:
    """The cursor after a row; `position` must be JSON (times as strings, ids as strings)."""
    raw = json.dumps([_digest(filters), *position], separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decode_cursor(cursor: str | None, filters: Mapping[str, Any], length: int) -> list[Any] | None:
    """The position a cursor holds, or None for the first page.

    Raises: BadQuery when it is not one of ours, or was made under other filters.
    """
    if cursor is None:
        return None
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        digest, *position = decode_json(decode_text(raw))
    except (ValueError, TypeError) as error:
        raise _bad_cursor("It is not one this API gave out.") from error
    if not all(_is_plain(value) for value in position):
        raise _bad_cursor("It is not one this API gave out.")
    if digest != _digest(filters) or len(position) != length:
        raise _bad_cursor("It belongs to another list or other filters.")
    return list(position)


def _is_plain(value: object) -> bool:
    """Whether a position could have been made by `encode_cursor`: a text, a number or nothing."""
    if isinstance(value, str):
        return is_storable(value)
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or (isinstance(value, int) and abs(value) < 2**63)


def page_of(
    rows: Sequence[Row],
    limit: int,
    filters: Mapping[str, Any],
    position: Callable[[Row], Sequence[Any]],
    render: Callable[[Row], dict[str, Any]],
) -> Page:
    """A page from up to `limit + 1` rows: the extra row only says that there is more."""
    shown = rows[:limit]
    more = len(rows) > limit
    cursor = encode_cursor(filters, position(shown[-1])) if more else None
    return Page(data=[render(row) for row in shown], next_cursor=cursor)


def _digest(filters: Mapping[str, Any]) -> str:
    canonical = json.dumps(filters, sort_keys=True, default=str)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def _bad_cursor(detail: str) -> BadQuery:
    return BadQuery.parameter("cursor", "invalid_cursor", f"The cursor cannot be used. {detail}")
