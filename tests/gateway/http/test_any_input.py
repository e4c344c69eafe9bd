"""Any input is parsed into a value or refused with a problem."""

import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from gateway.app import ROUTES
from gateway.http.bodies import load_body, parse_object, query_reader
from gateway.http.problems import Problem
from gateway.http.request import expected_version

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=20,
)
BODIES = [route.body() for route in ROUTES if route.body is not None]
NAMES = sorted({name for body in BODIES for name in body.fields})
OBJECTS = st.dictionaries(st.sampled_from(NAMES) | st.text(), VALUES)
READERS = [query_reader(route.query()) for route in ROUTES if route.query is not None]
PARAMETERS = ("limit", "cursor", "role", "status", "sort", "q", "min_price", "unread", "x")


@given(st.binary())
@example(b"\xed\xa0\x80")
@example(b'{"a": "\\ud800"}')
@example(b"0")
def test_any_bytes_are_an_object_or_a_400_or_other_json_and_a_422(body: bytes) -> None:
    try:
        assert isinstance(parse_object(body), dict)
    except Problem as problem:
        assert problem.status == (422 if problem.code == "validation_failed" else 400)
        assert json.loads(problem.document("/", "id"))


@given(OBJECTS)
def test_a_json_object_is_parsed_as_it_was_written(value: dict[str, Any]) -> None:
    assert parse_object(json.dumps(value).encode()) == value


@given(OBJECTS, st.sampled_from(BODIES))
def test_any_object_is_loaded_or_a_422_that_can_be_rendered(value: dict[str, Any], schema: Any) -> None:
    try:
        load_body(schema, value)
    except Problem as problem:
        assert problem.status == 422
        document = json.loads(problem.document("/", "id"))
        assert all(error["pointer"].startswith("#") for error in document["errors"])


@given(
    st.sampled_from(READERS),
    st.text()
    | st.lists(st.tuples(st.sampled_from(PARAMETERS), st.text())).map(
        lambda pairs: "&".join(f"{name}={value}" for name, value in pairs)
    ),
)
@example(READERS[0], "limit=%ff")
@example(READERS[0], "%ed%a0%80=1")
def test_any_query_is_read_or_a_400(read: Any, raw: str) -> None:
    try:
        assert isinstance(read(raw), dict)
    except Problem as problem:
        assert problem.status == 400
        assert json.loads(problem.document("/", "id"))["errors"]


@given(st.text())
def test_any_if_match_is_a_version_or_a_400(header: str) -> None:
    try:
        version = expected_version(header)
        assert version is None or 0 <= version < 2**31
    except Problem as problem:
        assert problem.status == 400
