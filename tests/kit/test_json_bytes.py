"""JSON between our processes is what the standard library writes and reads, in UTF-8."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.json_bytes import json_bytes, json_value

TEXTS = st.text()  # hypothesis leaves unpaired surrogates out
SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | TEXTS
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=30)


@given(VALUES)
def test_it_is_what_the_standard_library_writes(value: Any) -> None:
    written = json_bytes(value)
    assert written == json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    assert json_value(written) == json_value(json.dumps(value).encode()) == value


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_stay_as_they_are(value: float) -> None:
    assert json_value(json_bytes(value)) == value
    assert math.copysign(1, json_value(json_bytes(value))) == math.copysign(1, value)


@pytest.mark.parametrize("value", ["\ud800", {"\udcff": ["a\udc00b"]}, -(2**63) - 1, 10**30])
def test_what_orjson_refuses_is_written_all_the_same(value: Any) -> None:
    assert json.loads(json_bytes(value)) == value


@pytest.mark.parametrize("text", [b'"\\ud800"', b'{"\\udcff": ["a"]}', b"NaN", b"[-Infinity]"])
def test_what_orjson_refuses_is_read_all_the_same(text: bytes) -> None:
    assert repr(json_value(text)) == repr(json.loads(text))


@pytest.mark.parametrize("text", [b"", b"{", b"\xff", b"[1,]", b"'a'", b"[" * 100_000])
def test_what_is_no_json_is_refused(text: bytes) -> None:
    with pytest.raises((ValueError, RecursionError)):
        json_value(text)
