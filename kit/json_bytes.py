"""JSON as bytes: UTF-8, without spaces, between our own processes and to clients.

By orjson, several times faster than the standard library. What orjson refuses goes to the standard library:
unpaired surrogates, NaN, integers of more than 64 bits (orjson reads these as floats; no service has any).
What clients send is decoded by `kit/http/parsing.py`.
"""

import json
from typing import Any

import orjson


def json_bytes(value: object) -> bytes:
    """Returns a value as JSON. Raises: TypeError, ValueError for what JSON cannot express."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, separators=(",", ":")).encode()


def json_value(body: bytes) -> Any:
    """Returns the value of a JSON text. Raises: ValueError, RecursionError."""
    try:
        return orjson.loads(body)
    except ValueError:
        return json.loads(body)
