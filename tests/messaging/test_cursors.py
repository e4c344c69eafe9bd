from typing import Any

import pytest

from kit.errors import BadQuery
from kit.paging import encode_cursor
from services.messaging.cursors import moment_and_id, place_in_thread
from tests.messaging.facts import new_id

FILTERS = {"list": "threads"}


def test_a_position_survives_its_cursor() -> None:
    after = ("2026-03-01T12:00:00.000001Z", new_id())
    assert moment_and_id(encode_cursor(FILTERS, after), FILTERS) == after
    assert place_in_thread(encode_cursor(FILTERS, [7]), FILTERS) == 7
    assert moment_and_id(None, FILTERS) is None
    assert place_in_thread(None, FILTERS) is None


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
        moment_and_id(encode_cursor(FILTERS, position), FILTERS)


@pytest.mark.parametrize("place", ["7", 0, -1, 2**31, 1.5, True, None])
def test_a_made_up_place_is_a_bad_cursor(place: Any) -> None:
    with pytest.raises(BadQuery):
        place_in_thread(encode_cursor(FILTERS, [place]), FILTERS)


def test_a_cursor_of_another_list_is_refused() -> None:
    with pytest.raises(BadQuery):
        place_in_thread(encode_cursor(FILTERS, [7]), {"list": "messages"})
