import base64
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import BadQuery
from kit.paging import ById, ByTime, Int32, Int64, RowNumber, decode_cursor, encode_cursor, page_of

FILTERS = {"role": "customer", "status": [1, 2]}
AN_ID = "0192aaaa-0000-7000-8000-000000000001"
A_TIME = datetime(2026, 3, 1, 12, 0, 0, 1, UTC)


class ByScore(NamedTuple):
    """The position in a list that is sorted by numbers of every kind."""

    score: float
    price: Int64
    reviews: Int32
    number: RowNumber


def test_a_cursor_gives_back_its_position() -> None:
    for position in (ById(AN_ID), ByTime(A_TIME, AN_ID), ByScore(0.5, 10**12, 0, 1)):
        assert decode_cursor(encode_cursor(FILTERS, position), FILTERS, type(position)) == position
    assert decode_cursor(None, FILTERS, ById) is None


def test_the_format_of_cursors_stays_because_clients_hold_some() -> None:
    earlier = (
        "WyI1NWQ3MmMxMDQzY2JjOWE4IiwiMjAyNi0wMy0wMVQxMjowMDowMC4wMDAwMDFaIiwi"
        "MDE5MmFhYWEtMDAwMC03MDAwLTgwMDAtMDAwMDAwMDAwMDAxIl0"
    )
    assert encode_cursor(FILTERS, ByTime(A_TIME, AN_ID)) == earlier
    assert decode_cursor(earlier, FILTERS, ByTime) == ByTime(A_TIME, AN_ID)


def test_a_cursor_is_bound_to_its_filters() -> None:
    with pytest.raises(BadQuery, match="other filters"):
        decode_cursor(encode_cursor(FILTERS, ById(AN_ID)), {"role": "provider"}, ById)


def test_a_cursor_is_bound_to_the_length_of_its_position() -> None:
    with pytest.raises(BadQuery, match="another list"):
        decode_cursor(encode_cursor(FILTERS, ByTime(A_TIME, AN_ID)), FILTERS, ById)


@given(st.text())
def test_anything_else_is_a_bad_query(garbage: str) -> None:
    with pytest.raises(BadQuery):
        decode_cursor(garbage, FILTERS, ByTime)


@pytest.mark.parametrize(
    ("position", "kind"),
    [
        (["x"], ById),
        ([None], ById),
        ([5], ById),
        ([AN_ID.upper()], ById),
        (["infinity", AN_ID], ByTime),
        (["2026-03-01T12:00:00+14:00", AN_ID], ByTime),
        (["2026-03-01T12:00:00Z", AN_ID], ByTime),
        ([1, AN_ID], ByTime),
        (["0.5", 1, 1, 1], ByScore),
        ([True, 1, 1, 1], ByScore),
        ([0.5, 2**62, 1, 1], ByScore),
        ([0.5, 1, 2**31, 1], ByScore),
        ([0.5, 1, -1, 1], ByScore),
        ([0.5, 1, 1, 0], ByScore),
        ([0.5, 1, 1, True], ByScore),
        ([0.5, 1, 1, 1.0], ByScore),
    ],
)
def test_a_made_up_position_is_a_bad_query(position: list[Any], kind: type[Any]) -> None:
    with pytest.raises(BadQuery):
        decode_cursor(encode_cursor(FILTERS, position), FILTERS, kind)


def test_the_extra_row_only_says_that_there_is_more() -> None:
    def position(row: int) -> ByScore:
        return ByScore(0.5, 1, 1, row)

    page = page_of([1, 2, 3], 2, FILTERS, position, lambda row: {"n": row})
    assert page["data"] == [{"n": 1}, {"n": 2}]
    assert decode_cursor(page["next_cursor"], FILTERS, ByScore) == position(2)
    last = page_of([3], 2, FILTERS, position, lambda row: {"n": row})
    assert last["next_cursor"] is None


@pytest.mark.parametrize(
    "document",
    ["[" * 5_000, '{"a":' * 2_000, "9" * 5_000, '["\\ud800"]', "[]", "7", "null", '{"a": 1}', "\xff"],
)
def test_a_forged_cursor_is_a_bad_query(document: str) -> None:
    forged = base64.urlsafe_b64encode(document.encode("latin-1")).decode()
    with pytest.raises(BadQuery):
        decode_cursor(forged, FILTERS, ByTime)
