"""Rendered answers: entity tags and links to the next page."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

JSON = "application/json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Answer:
    """A rendered response, the same for everyone who gets it; the cache stores these."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    etag: str = ""


def entity_tag(result: Mapping[str, Any], body: bytes) -> str:
    """`"<version>.<digest of the body>"`; the version is 0 for resources that have none."""
    return f'"{result.get("version", 0)}.{hashlib.blake2b(body, digest_size=8).hexdigest()}"'


def is_fresh(if_none_match: str, etag: str) -> bool:
    """Whether the client's copy is current (RFC 9110, 13.1.2: weak comparison)."""
    if if_none_match.strip() == "*":
        return True
    return any(tag.strip().removeprefix("W/") == etag for tag in if_none_match.split(","))


def not_modified(answer: Answer) -> Answer:
    """The 304 for an answer, with the headers that update the client's copy."""
    headers = {name: value for name, value in answer.headers.items() if name != "Content-Type"}
    return Answer(304, b"", headers, answer.etag)


def next_page_link(path: str, raw_query: str, cursor: str) -> str:
    """The `Link` header's value: the same query from `cursor` on."""
    query = [(name, value) for name, value in parse_qsl(raw_query) if name != "cursor"]
    return f'<{path}?{urlencode([*query, ("cursor", cursor)])}>; rel="next"'
