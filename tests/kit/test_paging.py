import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import BadQuery
from kit.paging import decode_cursor, encode_cursor, page_of

FILTERS = {"role": "customer", "status": [1, 2]}


def test_a_cursor_gives_back_its_position() -> None:
    assert decode_cursor(encode_cursor(FILTERS, ["2026", "id"]), FILTERS, 2) == ["2026", "id"]


def test_a_cursor_is_bound_to_its_filters() -> None:
    with pytest.raises(BadQuery, match="other filters"):
        decode_cursor(encode_cursor(FILTERS, ["a", "b"]), {"role": "provider"}, 2)


@given(st.text())
def test_anything_else_is_a_bad_query(garbage: str) -> None:
    with pytest.raises(BadQuery):
        decode_cursor(garbage, FILTERS, 2)


def test_the_extra_row_only_says_that_there_is_more() -> None:
    page = page_of([1, 2, 3], 2, FILTERS, lambda row: [row], lambda row: {"n": row})
    assert page["data"] == [{"n": 1}, {"n": 2}]
    assert decode_cursor(page["next_cursor"], FILTERS, 1) == [2]
    last = page_of([3], 2, FILTERS, lambda row: [row], lambda row: {"n": row})
    assert last["next_cursor"] is None


@pytest.mark.parametrize(
    "document",
    ["[" * 5_000, '{"a":' * 2_000, "9" * 5_000, '["\\ud800"]', "[]", "7", "null", '{"a": 1}', "\xff"],
)
def test_a_forged_cursor_is_a_bad_query(document: str) -> None:
    forged = base64.urlsafe_b64encode(document.encode("latin-1")).decode()
    with pytest.raises(BadQuery):
        decode_cursor(forged, FILTERS, 2)
