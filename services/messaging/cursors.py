"""The positions that messaging's cursors hold, checked before they reach SQL: anyone can make one up."""

from collections.abc import Mapping
from typing import Any

from kit.errors import BadQuery
from kit.paging import decode_cursor
from kit.validation import is_id, read_rfc3339, rfc3339

LAST_POSITION = 2**31 - 1


def moment_and_id(cursor: str | None, filters: Mapping[str, Any]) -> tuple[str, str] | None:
    """The (time, id) after which a page begins; None for the first page.

    Raises: BadQuery.
    """
    position = decode_cursor(cursor, filters, 2)
    if position is None:
        return None
    try:
        moment = rfc3339(read_rfc3339(position[0]))
    except ValueError as error:
        raise _unusable() from error
    if not is_id(position[1]):
        raise _unusable()
    return moment, position[1]


def place_in_thread(cursor: str | None, filters: Mapping[str, Any]) -> int | None:
    """The message position before which a page begins; None for the first page.

    Raises: BadQuery.
    """
    position = decode_cursor(cursor, filters, 1)
    if position is None:
        return None
    place = position[0]
    if type(place) is not int or not 0 < place <= LAST_POSITION:
        raise _unusable()
    return place


def _unusable() -> BadQuery:
    return BadQuery.parameter("cursor", "invalid_cursor", "The cursor is not one this API gave out.")
