from datetime import UTC, datetime
from typing import Any

import pytest

from kit.errors import BadQuery
from kit.paging import ByTime, decode_cursor, encode_cursor
from services.messaging.queries import ByPosition
from tests.messaging.sample_events import new_id

FILTERS = {"list": "threads"}


def test_a_position_survives_its_cursor() -> None:
    after = ByTime(datetime(2026, 3, 1, 12, 0, 0, 1, tzinfo=UTC), new_id())
    assert decode_cursor(encode_cursor(FILTERS, after), FILTERS, ByTime) == after
    assert decode_cursor(encode_cursor(FILTERS, ByPosition(7)), FILTERS, ByPosition) == ByPosition(7)
    assert decode_cursor(None, FILTERS, ByTime) is None
    assert decode_cursor(None, FILTERS, ByPosition) is None


@pytest.mark.parametrize(
    "position",
    [
        ["infinity", new_id()],
        ["0001-01-01T00:00:00+14:00", new_id()],
        ["2026-03-01T12:00:00Z", "'; DROP TABLE threads"],
        ["2026-03-01T12:00:00Z", None],
        [None, new_id()],
        [[], {}],
        [1, 2],
    ],
)
def test_a_made_up_position_is_a_bad_cursor(position: list[Any]) -> None:
    with pytest.raises(BadQuery):
        decode_cursor(encode_cursor(FILTERS, position), FILTERS, ByTime)


@pytest.mark.parametrize("place", ["7", 0, -1, 2**31, 1.5, True, None])
def test_a_made_up_place_is_a_bad_cursor(place: Any) -> None:
    with pytest.raises(BadQuery):
        decode_cursor(encode_cursor(FILTERS, [place]), FILTERS, ByPosition)


def test_a_cursor_of_another_list_is_refused() -> None:
    with pytest.raises(BadQuery):
        decode_cursor(encode_cursor(FILTERS, [7]), {"list": "messages"}, ByPosition)
