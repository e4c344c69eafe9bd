"""Writing answers: JSON once, an ETag from it, pages with their links."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from gateway.routing.route import Route, Shape, Storing
from gateway.upstream.rpc_client import Reply

JSON = "application/json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished answer, the same for everyone who gets it; the cache keeps these."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    etag: str = ""


def render(route: Route, reply: Reply, path: str, raw_query: str) -> Answer:
    """A service's answer as the route writes it."""
    headers = _headers(route)
    if reply.replayed:
        headers["Idempotency-Replayed"] = "true"
    if route.shape is Shape.NOTHING:
        return Answer(route.status, b"", headers)
    headers["Content-Type"] = JSON
    result = reply.result
    if route.shape is Shape.PAGE:
        result = _page(result, headers, path, raw_query)
    body = json.dumps(result, ensure_ascii=False, separators=(",", ":")).encode()
    if route.shape is not Shape.ONE:
        return Answer(route.status, body, headers)
    headers["ETag"] = etag = entity_tag(result, body)
    if route.location is not None:
        headers["Location"] = route.location.format_map(result)
    return Answer(route.status, body, headers, etag)


def entity_tag(result: Mapping[str, Any], body: bytes) -> str:
    """`"<version>.<digest of the answer>"`; the version is 0 for things that have none."""
    return f'"{result.get("version", 0)}.{hashlib.blake2b(body, digest_size=8).hexdigest()}"'


def is_fresh(if_none_match: str, etag: str) -> bool:
    """Whether the client has this very answer (RFC 9110, 13.1.2: weak comparison)."""
    if if_none_match.strip() == "*":
        return True
    return any(tag.strip().removeprefix("W/") == etag for tag in if_none_match.split(","))


def not_modified(answer: Answer) -> Answer:
    """304, with the headers that keep what the client has up to date."""
    headers = {name: value for name, value in answer.headers.items() if name != "Content-Type"}
    return Answer(304, b"", headers, answer.etag)


def _headers(route: Route) -> dict[str, str]:
    headers = {"Cache-Control": route.storing.value}
    if route.storing in (Storing.PRIVATE, Storing.NEVER):
        headers["Vary"] = "Authorization"
    return headers


def _page(result: Mapping[str, Any], headers: dict[str, str], path: str, raw_query: str) -> dict[str, Any]:
    cursor = result.get("next_cursor")
    if cursor is not None:
        asked = [(name, value) for name, value in parse_qsl(raw_query) if name != "cursor"]
        headers["Link"] = f'<{path}?{urlencode([*asked, ("cursor", cursor)])}>; rel="next"'
    return {"data": result["data"], "page": {"next_cursor": cursor, "has_more": cursor is not None}}
