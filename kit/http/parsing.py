"""Decoding what clients send: JSON, forms, query strings and addresses, for the API and the site alike.

Everything that clients send is decoded here. Size is checked before decoding, only UTF-8 is accepted, and
invalid input always raises `Undecodable`, which becomes 400.
"""

import json
import math
import re
from typing import Any
from urllib.parse import unquote_plus

MAX_BODY_BYTES = 64 * 1024
MAX_DEPTH = 32
MAX_MEMBERS = 2_000  # values in one JSON document
MAX_FIELDS = 100  # of a form or a query string
LONGEST_NUMBER = 100  # characters
FORM_TYPE = "application/x-www-form-urlencoded"
JSON_TYPE = "application/json"

# A string, terminated or not, or a structural character: one pass over any text.
_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[\[\]{},]', re.DOTALL)
_UNCLEAN = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_CHARSET = re.compile(r';\s*+charset\s*+=\s*+"?([^\s";]*+)', re.IGNORECASE)
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_CHARSETS = ("utf-8", "utf8")


class Undecodable(ValueError):
    """Input cannot be decoded; the message is a sentence for the client.

    `parameter` names the field or parameter concerned; empty when it is the whole input.
    """

    def __init__(self, reason: str, parameter: str = "") -> None:
        super().__init__(reason)
        self.parameter = parameter


def decode_text(raw: bytes) -> str:
    """Returns bytes as text. Raises: Undecodable when they are not UTF-8."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Undecodable("It is not UTF-8.") from error


def decode_json(text: str) -> Any:
    """Returns a JSON value. A number of more than LONGEST_NUMBER characters becomes infinity, which no schema
    accepts.

    Raises: Undecodable for invalid JSON, NaN, repeated names, more than MAX_MEMBERS values, or more than
    MAX_DEPTH levels.
    """
    _check_extent(text)
    try:
        return _DECODER.decode(text)
    except Undecodable:
        raise
    except (ValueError, RecursionError) as error:
        raise Undecodable("It is not JSON.") from error


def decode_form(text: str) -> dict[str, str]:
    """Returns the fields of a form or query string, `application/x-www-form-urlencoded`.

    Raises: Undecodable for more than MAX_FIELDS fields, a repeated one, or one that is not UTF-8.
    """
    if text.count("&") >= MAX_FIELDS:
        raise Undecodable(f"It has more than {MAX_FIELDS} fields.")
    values: dict[str, str] = {}
    for part in text.split("&"):
        if part:
            name, value = _decode_field(part)
            if name in values:
                raise Undecodable("It is given more than once.", name)
            values[name] = value
    return values


def media_type_of(content_type: str) -> str:
    """Returns the media type in a `Content-Type` header, in lower case; empty for an empty header.

    aiohttp's `content_type` and `charset` take a second for some headers of 8 KiB, and raise for others.
    """
    return content_type.partition(";")[0].strip().lower()


def is_utf8(content_type: str) -> bool:
    """Whether a `Content-Type` header declares UTF-8 or no charset."""
    declared = _CHARSET.search(content_type)
    return declared is None or declared[1].lower() in _CHARSETS


def is_clean_address(path: str) -> bool:
    """Whether a decoded path is UTF-8 without control characters; no resource has any other."""
    return _UNCLEAN.search(path) is None


def is_storable(text: str) -> bool:
    """Whether a database can hold a text: no NUL, no unpaired surrogate."""
    return "\x00" not in text and _SURROGATE.search(text) is None


def _decode_field(part: str) -> tuple[str, str]:
    name, _, value = part.partition("=")
    try:
        part.encode()  # unpaired surrogates stand for bytes that are not UTF-8
        return unquote_plus(name, errors="strict"), unquote_plus(value, errors="strict")
    except UnicodeError as error:
        raise Undecodable("It is not UTF-8.", unquote_plus(name, errors="replace")) from error


def _check_extent(text: str) -> None:
    if text.count("{") + text.count("[") <= MAX_DEPTH and text.count(",") < MAX_MEMBERS:
        return
    depth = members = 0
    for token in _TOKENS.finditer(text):
        mark = text[token.start()]
        depth += (mark in "[{") - (mark in "]}")
        members += mark == ","
        if depth > MAX_DEPTH:
            raise Undecodable(f"It is nested more than {MAX_DEPTH} levels deep.")
        if members >= MAX_MEMBERS:
            raise Undecodable(f"It has more than {MAX_MEMBERS} values.")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise Undecodable("A name is repeated within one object.")
    return value


def _refuse_constant(name: str) -> None:
    raise Undecodable(f"{name} is not JSON.")


def _integer(text: str) -> int | float:
    return int(text) if len(text) <= LONGEST_NUMBER else math.inf


def _float(text: str) -> float:
    return float(text) if len(text) <= LONGEST_NUMBER else math.inf


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_refuse_constant, parse_int=_integer, parse_float=_float
)
