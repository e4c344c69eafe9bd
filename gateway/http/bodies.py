"""Bodies and query strings: decoded by kit, validated by schemas, refused as problems."""

import functools
from collections.abc import Callable
from typing import Any

from aiohttp import web
from marshmallow import Schema, ValidationError

from gateway.http.problems import (
    body_too_large,
    body_too_slow,
    invalid_body,
    invalid_query,
    unreadable_body,
    unsupported_media_type,
)
from kit.http import body as bodies
from kit.http.parsing import JSON_TYPE, Undecodable, decode_form, decode_json, decode_text

CACHED_QUERIES = 512
MAX_CACHED_CHARACTERS = 250
Query = dict[str, Any]


async def read_body(request: web.Request, limit_bytes: int, media_type: str = JSON_TYPE) -> bytes:
    """Reads the body, empty when there is none.

    Raises: Problem 408 when it arrives too slowly, 413 when it is too long, 415 when its
    Content-Type is another one.
    """
    try:
        return await bodies.read_body(request, limit_bytes, media_type)
    except bodies.RefusedBody as refused:
        if refused.status == 413:
            raise body_too_large(limit_bytes) from refused
        if refused.status == 400:
            raise unreadable_body(str(refused)) from refused
        raise (
            unsupported_media_type(str(refused)) if refused.status == 415 else body_too_slow()
        ) from refused


def parse_object(body: bytes) -> dict[str, Any]:
    """Parses the JSON object in a body.

    Raises: Problem 400 when it is not strict JSON, 422 when it is not an object.
    """
    try:
        value = decode_json(decode_text(body))
    except Undecodable as error:
        raise unreadable_body(f"The body cannot be read. {error}") from error
    if not isinstance(value, dict):
        raise invalid_body({"_schema": ["Must be a JSON object."]})
    return value


def parse_text(body: bytes) -> str:
    """Decodes the body as text. Raises: Problem 400 when it is not UTF-8."""
    try:
        return decode_text(body)
    except Undecodable as error:
        raise unreadable_body("The body is not UTF-8.") from error


def parse_form(body: bytes) -> dict[str, str]:
    """Parses the fields of an HTML form. Raises: Problem 400 when one is repeated or not UTF-8."""
    try:
        return decode_form(decode_text(body))
    except Undecodable as error:
        raise unreadable_body(f"The form cannot be read. {error}") from error


def load_body(schema: Schema, value: dict[str, Any]) -> dict[str, Any]:
    """Validates a body by its schema.

    Raises: Problem 422 with a pointer to each bad value.
    """
    try:
        loaded: dict[str, Any] = schema.load(value)
    except ValidationError as error:
        raise invalid_body(error.messages) from error
    return loaded


def query_reader(schema: Schema | None) -> Callable[[str], Query]:
    """Returns a function that parses raw query strings by a schema.

    It caches the latest results, so callers must not change them, and raises Problem 400 for unknown,
    repeated or bad parameters.
    """

    def read(raw: str) -> Query:
        try:
            values = decode_form(raw)
        except Undecodable as error:
            raise invalid_query({error.parameter or "_schema": [str(error)]}) from error
        if schema is None:
            if values:
                raise invalid_query({name: ["Unknown field."] for name in values})
            return {}
        try:
            loaded: Query = schema.load(values)
        except ValidationError as error:
            raise invalid_query(error.messages) from error
        return loaded

    cached = functools.lru_cache(CACHED_QUERIES)(read)
    return lambda raw: cached(raw) if len(raw) <= MAX_CACHED_CHARACTERS else read(raw)
