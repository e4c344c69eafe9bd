"""The largest requests that the OpenAPI document allows, and larger ones."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from tests.fuzz.market import long_text

BODY_BYTES = 64 * 1024
ROOM_FOR_THE_REST = 2 * 1024
GOOD = {  # the longest that also pass what the document cannot say
    "email": f"{'a' * 64}@{'b' * 60}.{'c' * 60}.{'d' * 60}.example",
    "locale": "sl" + "-rozaj" * 5,
    "time_zone": "America/Argentina/ComodRivadavia",
    "category": "writing",
    "status": "1,2,3,4,7",
    "method": "m" * 100,
    "cursor": "W" * 1000,
}


@dataclass
class Sent:
    """One request of a client."""

    name: str
    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None


def requests_of(document: Mapping[str, Any], ids: Mapping[str, str]) -> Iterator[Sent]:
    """Yields every operation of a document, with each input at its largest in several ways."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield from Operation(document, path, method.upper(), operation, ids).requests()


class Operation:
    """One method of one path."""

    def __init__(
        self,
        document: Mapping[str, Any],
        path: str,
        method: str,
        operation: Mapping[str, Any],
        ids: Mapping[str, str],
    ) -> None:
        self._schemas = document["components"]["schemas"]
        self._path, self._method, self._operation, self._ids = path, method, operation, ids
        content = operation.get("requestBody", {}).get("content", {})
        self._body: Mapping[str, Any] | None = content["application/json"]["schema"] if content else None
        self._parameters = operation["parameters"]

    def requests(self) -> Iterator[Sent]:
        """Yields valid values, alone and all together, unusual texts, texts longer than allowed, and
        deeply nested values."""
        yield self._plain()
        for text in (None, long_text, "x".__mul__):
            yield self._request(text)
        yield self._request(None, of_the_path=long_text)
        if self._body is None:
            return
        for name in self._resolved(self._body).get("properties", {"payload": {}}):
            yield self._with_body({name: "x" * (BODY_BYTES - ROOM_FOR_THE_REST)})
            yield self._with_body({name: [[]] * ((BODY_BYTES - ROOM_FOR_THE_REST) // 3)})
        yield self._with_body({f"n{number}": 1 for number in range(BODY_BYTES // 12)})
        yield self._with_body(b'{"a":' + b"[" * (BODY_BYTES - 10))

    def _plain(self) -> Sent:
        """The longest page: without filters."""
        sent = self._request(None)
        needed = {p["name"] for p in self._parameters if p["required"] or p["name"] == "limit"}
        sent.query = {name: value for name, value in sent.query.items() if name in needed}
        return sent

    def _request(self, text: Any, of_the_path: Any = None) -> Sent:
        sent = Sent(self._operation["operationId"], self._method, self._address(of_the_path))
        for parameter in self._parameters:
            value = self._largest(parameter["schema"], parameter["name"], text)
            if parameter["in"] == "query":
                sent.query[parameter["name"]] = str(value)
            elif parameter["in"] == "header":
                sent.headers[parameter["name"]] = _header(parameter["name"])
        if self._body is not None:
            sent.body = _encoded(self._largest(self._body, "", text))
        return sent

    def _with_body(self, body: Any) -> Sent:
        sent = self._request(None)
        sent.body = body if isinstance(body, bytes) else _encoded(body)
        assert len(sent.body) <= BODY_BYTES
        return sent

    def _address(self, text: Any) -> str:
        path = self._path
        for parameter in self._parameters:
            name = parameter["name"]
            if parameter["in"] == "path":
                long = text(parameter["schema"]["maxLength"]) if text is not None else None
                value = long or self._ids.get(name, "x" * parameter["schema"]["maxLength"])
                path = path.replace(f"{{{name}}}", quote(value, safe=""))
        return path

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        if "$ref" in schema:
            found: Mapping[str, Any] = self._schemas[schema["$ref"].rsplit("/", 1)[-1]]
            return found
        for part in schema.get("allOf", schema.get("anyOf", ())):
            return self._resolved(part)
        return schema

    def _largest(self, given: Mapping[str, Any], name: str, text: Any) -> Any:
        schema = self._resolved(given)
        if "enum" in schema:
            return max((value for value in schema["enum"] if value is not None), key=lambda v: len(str(v)))
        kinds = schema.get("type", "object")
        kind = kinds if isinstance(kinds, str) else next(k for k in kinds if k != "null")
        match kind:
            case "string":
                good = self._ids.get(name) or GOOD.get(name)
                longest = schema["maxLength"]
                return (good or long_text(longest)) if text is None else text(longest)
            case "integer" | "number":
                return schema["maximum"]
            case "boolean":
                return True
            case "array":
                return [self._largest(schema["items"], name, text)] * schema["maxItems"]
        return {n: self._largest(part, n, text) for n, part in schema.get("properties", {}).items()}


def _encoded(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _header(name: str) -> str:
    return {"If-Match": '"1.x"', "Idempotency-Key": "k" * 200}.get(name, '"' + "x" * 7000 + '"')
