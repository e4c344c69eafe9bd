"""Whatever bytes a client sends, decoding them ends in a plain value or in `Undecodable`, soon."""

import base64
import contextlib
import math
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kit.errors import BadQuery
from kit.http.parsing import (
    JSON_TYPE,
    LONGEST_NUMBER,
    MAX_BODY_BYTES,
    MAX_DEPTH,
    MAX_FIELDS,
    MAX_MEMBERS,
    Undecodable,
    decode_form,
    decode_json,
    decode_text,
    is_clean_address,
    is_utf8,
    media_type_of,
)
from kit.paging import decode_cursor, encode_cursor

HOSTILE = {
    "opened and never closed": "[" * MAX_BODY_BYTES,
    "objects in objects": '{"a":' * (MAX_BODY_BYTES // 5),
    "a string without an end": '{"a": "' + '\\"' * (MAX_BODY_BYTES // 2),
    "a string that ends in a backslash": '{"' + "[" * 40 + '\\"' * (MAX_BODY_BYTES // 2) + "\\",
    "very many values": "[" + "1," * (MAX_BODY_BYTES // 2) + "1]",
    "very many empty strings": "[" + '"",' * (MAX_BODY_BYTES // 3) + '""]',
    "one name again and again": "{" + '"a":1,' * (MAX_BODY_BYTES // 6) + '"a":1}',
    "structure within a string, then depth": '["' + "[{" * 1000 + '",' + "[" * 60 + "]" * 60 + "]",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_json_is_refused_at_once(name: str) -> None:
    began = time.process_time()
    with pytest.raises(Undecodable):
        decode_json(HOSTILE[name])
    assert time.process_time() - began < 0.05


@pytest.mark.parametrize("number", ["9" * 60_000, "-" + "9" * 5000, "1." + "3" * 60_000, "1e" + "9" * 5000])
def test_a_long_number_is_infinite_and_costs_nothing(number: str) -> None:
    assert math.isinf(decode_json(number))


def test_numbers_and_structures_up_to_the_limits_are_read() -> None:
    assert decode_json("9" * LONGEST_NUMBER) == int("9" * LONGEST_NUMBER)
    deep = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert decode_json(f'["{"[" * 500}", {deep[1:-1]}]')
    assert len(decode_json("[" + "1," * (MAX_MEMBERS - 1) + "1]")) == MAX_MEMBERS


@pytest.mark.parametrize("text", ["NaN", "Infinity", '{"a":1,"a":2}', "\ufeff1", "", "1 2"])
def test_what_is_no_plain_json_is_refused(text: str) -> None:
    with pytest.raises(Undecodable):
        decode_json(text)


@given(st.binary())
@example(b"\xed\xa0\x80")
@example(b'"\\ud800"')
def test_any_bytes_are_json_or_undecodable(raw: bytes) -> None:
    try:
        decode_json(decode_text(raw))
    except Undecodable as refused:
        assert str(refused)


@given(st.text())
@example("&" * 50)
@example("%=%zz&%")
@example("a=%E4")
def test_any_text_is_a_form_or_undecodable(text: str) -> None:
    try:
        fields = decode_form(text)
    except Undecodable as refused:
        assert str(refused)
    else:
        assert all(isinstance(value, str) for value in fields.values())


def test_a_form_has_so_many_fields_each_once_and_in_utf8() -> None:
    assert decode_form("a=1+2&b=%C3%A4&c&&=x") == {"a": "1 2", "b": "ä", "c": "", "": "x"}
    for sent, parameter in (("a=1&a=2", "a"), ("b=%ff", "b"), ("%ff=1", "\ufffd")):
        with pytest.raises(Undecodable) as refused:
            decode_form(sent)
        assert refused.value.parameter == parameter
    decode_form("&".join(f"f{n}=" for n in range(MAX_FIELDS)))
    with pytest.raises(Undecodable):
        decode_form("&".join(f"f{n}=" for n in range(MAX_FIELDS + 1)))


@pytest.mark.parametrize(
    "charset", ["punycode", "idna", "utf-7", "unicode_escape", "latin-1", "utf-16", "zip", ""]
)
def test_no_other_charset_is_read(charset: str) -> None:
    assert not is_utf8(f"a/b; x=y; charset={charset}") and not is_utf8(f'a/b;Charset = "{charset}"')
    assert is_utf8("") and is_utf8("a/b; charset=UTF-8") and is_utf8('a/b;charset="utf8"; x=y')


def test_a_media_type_is_read_without_its_parameters() -> None:
    assert media_type_of(" Application/JSON ; charset=x") == JSON_TYPE
    assert media_type_of("") == ""


def test_an_address_with_control_characters_names_nothing() -> None:
    for character in ("\r", "\n", "\x00", "\x7f", "\x1b", "\x85", "\udcff"):
        assert not is_clean_address(f"/orders/a{character}X")
    assert is_clean_address("/services/ä ö")


class ByText(NamedTuple):
    """The position in a list that is sorted by a text and a number."""

    text: str
    number: float


@pytest.mark.parametrize(
    "position",
    [
        "[" * 5000,
        '"a",' * 3000 + '"a"',
        '"a",{"b":1}',
        '"a",["b"]',
        '"a",1e999',
        '"a","\\u0000"',
        f'"a",{"9" * 5000}',
    ],
)
def test_a_cursor_that_was_not_made_here_is_refused(position: str) -> None:
    filters: dict[str, Any] = {"list": "orders"}
    digest = _decoded(encode_cursor(filters, ["x"]))[0]
    with pytest.raises(BadQuery):
        decode_cursor(_encoded(f'["{digest}",{position}]'), filters, ByText)
    assert decode_cursor(encode_cursor(filters, ["x", 1.5]), filters, ByText) == ByText("x", 1.5)


def _encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decoded(cursor: str) -> list[Any]:
    value: list[Any] = decode_json(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode())
    return value


HEAVY: tuple[tuple[str, Callable[[str], object], str], ...] = (
    ("ampersands", decode_form, "&"),
    ("percent signs", decode_form, "%"),
    ("escapes", decode_form, "%41"),
    ("equals signs", decode_form, "="),
    ("parameters", is_utf8, "; "),
    ("charsets", is_utf8, "; charset"),
    ("quoted parameters", is_utf8, '="'),
    ("media types", media_type_of, ";"),
)


@pytest.mark.parametrize(("decode", "unit"), [each[1:] for each in HEAVY], ids=[each[0] for each in HEAVY])
def test_the_largest_form_and_header_are_decided_at_once(decode: Callable[[str], object], unit: str) -> None:
    text = (unit * MAX_BODY_BYTES)[:MAX_BODY_BYTES]
    began = time.thread_time()  # of this thread alone: other tests are busy
    with contextlib.suppress(Undecodable):
        decode(text)
    assert time.thread_time() - began < 0.05


def test_bytes_that_are_no_utf8_are_not_decoded_in_a_query() -> None:
    for raw in ("q=\udcff", "\udcff=1", "q=%ed%a0%80"):
        with pytest.raises(Undecodable):
            decode_form(raw)
    assert decode_form("q=100%&r=%zz&s=%4&ü=é") == {"q": "100%", "r": "%zz", "s": "%4", "ü": "é"}
