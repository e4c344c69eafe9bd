"""Reading bodies and query strings: everything that is not plain is refused before it is looked at."""

import asyncio
import functools
import json
import math
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_plus

from aiohttp import web
from marshmallow import Schema, ValidationError

from gateway.problems import (
    Problem,
    body_too_large,
    body_too_slow,
    invalid_body,
    invalid_query,
    unreadable_body,
    unsupported_media_type,
)

MAX_DEPTH = 32
LONGEST_INTEGER = 100
REMEMBERED_QUERIES = 512
REMEMBERED_CHARACTERS = 250
BODY_TIMEOUT_SECONDS = 30.0
JSON_TYPE = "application/json"
Query = dict[str, Any]


class _NotPlain(ValueError):
    pass


async def read_body(request: web.Request, limit_bytes: int, media_type: str = JSON_TYPE) -> bytes:
    """The body's bytes, "" when there is none.

    Raises: Problem 408 when it comes too slowly, 413 when it is too long, 415 when it does not
    say that it is of that type.
    """
    if not request.body_exists:
        return b""
    if request.content_length is not None and request.content_length > limit_bytes:
        raise body_too_large(limit_bytes)
    if request.content_length == 0:
        return b""
    _check_media_type(request, media_type)
    try:
        async with asyncio.timeout(BODY_TIMEOUT_SECONDS):
            return await _read_up_to(request, limit_bytes)
    except TimeoutError as error:
        raise body_too_slow() from error


async def _read_up_to(request: web.Request, limit_bytes: int) -> bytes:
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > limit_bytes:
            raise body_too_large(limit_bytes)
    return bytes(body)


def _check_media_type(request: web.Request, media_type: str) -> None:
    if request.content_type != media_type:
        raise unsupported_media_type("Send `Content-Type: application/json`.")
    if (request.charset or "utf-8").lower() not in ("utf-8", "utf8"):
        raise unsupported_media_type("JSON is UTF-8.")
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise unsupported_media_type("Send the body uncompressed.")


def parse_object(body: bytes) -> dict[str, Any]:
    """The JSON object in a body.

    Raises: Problem 400 for what is no plain JSON: other encodings, repeated names, NaN, too deep; 422
    for other JSON than an object.
    """
    try:
        value = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_int=_whole,
        )
    except UnicodeDecodeError as error:
        raise unreadable_body("The body is not UTF-8.") from error
    except RecursionError as error:
        raise unreadable_body(f"It is nested more than {MAX_DEPTH} levels deep.") from error
    except _NotPlain as error:
        raise unreadable_body(str(error)) from error
    except ValueError as error:
        raise unreadable_body("The body is not JSON.") from error
    if not isinstance(value, dict):
        raise invalid_body({"_schema": ["Must be a JSON object."]})
    if body.count(b"{") + body.count(b"[") > MAX_DEPTH and _depth(value) > MAX_DEPTH:
        raise unreadable_body(f"It is nested more than {MAX_DEPTH} levels deep.")
    return value


def parse_text(body: bytes) -> str:
    """The body as text. Raises: Problem 400 when it is not UTF-8."""
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise unreadable_body("The body is not UTF-8.") from error


def parse_form(body: bytes) -> dict[str, str]:
    """The fields of an HTML form. Raises: Problem 400 when they are repeated or not UTF-8."""
    values: dict[str, str] = {}
    try:
        for part in filter(None, parse_text(body).split("&")):
            _add_parameter(values, part)
    except Problem as error:
        raise unreadable_body("A field of the form is repeated or not UTF-8.") from error
    return values


def load_body(schema: Schema, value: dict[str, Any]) -> dict[str, Any]:
    """The body as its schema accepts it.

    Raises: Problem 422 pointing at each bad value.
    """
    try:
        loaded: dict[str, Any] = schema.load(value)
    except ValidationError as error:
        raise invalid_body(error.messages) from error
    return loaded


def query_reader(schema: Schema | None) -> Callable[[str], Query]:
    """A function from raw query strings to what the schema loads; the latest strings are remembered,
    refusals are not. The result is shared: do not change it.

    The function raises: Problem 400 for unknown, repeated or bad parameters.
    """

    def read(raw: str) -> Query:
        values: dict[str, str] = {}
        for part in raw.split("&"):
            if part:
                _add_parameter(values, part)
        if schema is None:
            if values:
                raise invalid_query({name: ["Unknown field."] for name in values})
            return {}
        try:
            loaded: Query = schema.load(values)
        except ValidationError as error:
            raise invalid_query(error.messages) from error
        return loaded

    remembered = functools.lru_cache(REMEMBERED_QUERIES)(read)
    return lambda raw: remembered(raw) if len(raw) <= REMEMBERED_CHARACTERS else read(raw)


def _add_parameter(values: dict[str, str], part: str) -> None:
    name, _, value = part.partition("=")
    try:
        name, value = unquote_plus(name, errors="strict"), unquote_plus(value, errors="strict")
    except UnicodeDecodeError as error:
        raise _bad_parameter(name, "It is not UTF-8.") from error
    if name in values:
        raise _bad_parameter(name, "It is given more than once.")
    values[name] = value


def _bad_parameter(name: str, detail: str) -> Problem:
    return invalid_query({name: [detail]})


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise _NotPlain("A name is repeated within one object.")
    return value


def _refuse_constant(name: str) -> None:
    raise _NotPlain(f"{name} is not JSON.")


def _whole(text: str) -> int | float:
    # Longer ones are nobody's amount or version: as a float they are refused by every schema.
    return int(text) if len(text) <= LONGEST_INTEGER else math.inf


def _depth(value: Any) -> int:
    """How deep a value is nested, found level by level, without recursion."""
    depth, level = 0, [value]
    while level := [item for item in level if isinstance(item, dict | list)]:
        depth += 1
        level = [child for item in level for child in (item.values() if isinstance(item, dict) else item)]
    return depth
