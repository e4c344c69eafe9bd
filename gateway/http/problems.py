"""Errors as `application/problem+json` (RFC 9457). HTTP statuses of errors exist only here."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.http.problem_kinds import KINDS, ProblemKind
from kit.errors import ServiceError, field_errors

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 2
MAX_ERRORS = 50

STATUS_OF_KIND: dict[str, int] = {
    "bad_query": 400,
    "unauthenticated": 401,
    "declined": 402,
    "forbidden": 403,
    "not_found": 404,
    "conflict": 409,
    "gone": 410,
    "stale": 412,
    "invalid": 422,
    "too_many": 429,
    "unavailable": 503,
    "timed_out": 504,
}
_RESERVED = {"type", "title", "status", "detail", "instance", "code", "request_id", "errors"}


@dataclass
class Problem(Exception):
    """An error response. `extra` holds further members of the document."""

    status: int
    code: str
    detail: str
    errors: Sequence[Mapping[str, str]] = ()
    headers: dict[str, str] = field(default_factory=dict)
    extra: Mapping[str, object] = field(default_factory=dict)

    def document(self, instance: str, request_id: str) -> bytes:
        """Renders the problem as JSON in ASCII, whatever characters of the input it quotes."""
        kind = KINDS.get(self.code) or ProblemKind(self.status, title_of(self.status), "")
        members: dict[str, object] = {
            "type": f"/problems/{self.code}",
            "title": kind.title,
            "status": self.status,
            "detail": self.detail,
            "instance": instance,
            "code": self.code,
            "request_id": request_id,
        }
        if self.errors:
            members["errors"] = list(self.errors[:MAX_ERRORS])
        members.update((name, value) for name, value in self.extra.items() if name not in _RESERVED)
        return json.dumps(members).encode()


def title_of(status: int) -> str:
    """Returns the title of a status's general problem, for codes that have no title."""
    return next((kind.title for kind in KINDS.values() if kind.status == status), "Refused")


def from_service(error: ServiceError, parameters: Collection[str] = ()) -> Problem:
    """Converts a service's error; errors of fields named in `parameters` refer to the query string."""
    status = STATUS_OF_KIND[error.kind]
    data = dict(error.data)
    errors = [_located(entry, status, parameters) for entry in data.pop("errors", ())]
    headers: dict[str, str] = {}
    if status == STATUS_OF_KIND["unauthenticated"]:
        headers["WWW-Authenticate"] = "Bearer"
    if status in (429, 503, 504):
        headers["Retry-After"] = str(max(1, int(data.pop("retry_after_seconds", RETRY_AFTER_SECONDS))))
    return Problem(status, error.code, error.detail, errors, headers, data)


def internal() -> Problem:
    """An unexpected failure; the caller learns nothing about its cause."""
    return Problem(500, "internal_error", "Something went wrong on our side. It has been logged.")


def not_found() -> Problem:
    """No such path, or a malformed id."""
    return Problem(404, "not_found", "Not found.")


def method_not_allowed(allowed: Collection[str]) -> Problem:
    """The path exists, but not with this method."""
    methods = ", ".join(sorted(allowed))
    return Problem(405, "method_not_allowed", f"Allowed here: {methods}.", headers={"Allow": methods})


def body_too_large(limit_bytes: int) -> Problem:
    """The body is longer than allowed; the connection is closed, because the rest is not read."""
    detail = f"A body may have at most {limit_bytes} bytes."
    return Problem(413, "body_too_large", detail, headers={"Connection": "close"})


def body_too_slow() -> Problem:
    """The body did not arrive in time; the connection is closed."""
    return Problem(408, "body_too_slow", "The body did not arrive in time.", headers={"Connection": "close"})


def unsupported_media_type(detail: str) -> Problem:
    """The body's Content-Type is not supported."""
    return Problem(
        415, "unsupported_media_type", detail, headers={"Accept-Post": "application/json"}
    )  # fmt: skip


def unreadable_body(detail: str) -> Problem:
    """The body cannot be parsed."""
    return Problem(400, "unreadable_body", detail)


def bad_request(detail: str) -> Problem:
    """The request is not valid HTTP."""
    return Problem(400, "bad_request", detail)


def bad_header(name: str, code: str, detail: str) -> Problem:
    """A request header is missing or not valid."""
    return Problem(400, code, detail, [{"header": name, "code": code, "detail": detail}])


def precondition_required() -> Problem:
    """A required `If-Match` is missing."""
    detail = "Send If-Match with the ETag of the version you have seen."
    entry = {"header": "If-Match", "code": "required", "detail": detail}
    return Problem(428, "precondition_required", detail, [entry])


def invalid_body(messages: Mapping[Any, Any] | Sequence[Any]) -> Problem:
    """Bad values in well-formed JSON; each error points into the body."""
    errors = [
        {"pointer": "#" + path, "code": code, "detail": detail} for path, code, detail in _flat(messages)
    ]
    return Problem(422, "validation_failed", "Some values cannot be accepted.", errors)


def invalid_query(messages: Mapping[Any, Any] | Sequence[Any]) -> Problem:
    """Bad values in the query string; each error names its parameter."""
    errors = [
        {"parameter": path.lstrip("/"), "code": _query_code(code), "detail": detail}
        for path, code, detail in _flat(messages)
    ]
    return Problem(400, "invalid_query", "Some query parameters cannot be used.", errors)


def _query_code(code: str) -> str:
    return "unknown_parameter" if code == "unknown_field" else code


def _flat(messages: Mapping[Any, Any] | Sequence[Any], path: str = "") -> list[tuple[str, str, str]]:
    if isinstance(messages, Mapping):
        return [
            entry
            for key, value in messages.items()
            for entry in _flat(value, path if key == "_schema" else f"{path}/{_escaped(key)}")
        ]
    return [(path, found["code"], found["detail"]) for found in field_errors(list(messages))]


def _escaped(key: object) -> str:
    """One step of a JSON pointer (RFC 6901); unpaired surrogates become U+FFFD."""
    text = str(key).encode("utf-8", "replace").decode()
    return text.replace("~", "~0").replace("/", "~1")


def _located(entry: Mapping[str, str], status: int, parameters: Collection[str]) -> Mapping[str, str]:
    if "field" not in entry:
        return entry
    name, rest = entry["field"], {"code": entry["code"], "detail": entry["detail"]}
    if status == STATUS_OF_KIND["bad_query"] or name.split(".")[0] in parameters:
        return {"parameter": name, **rest}
    pointer = "/".join(_escaped(step) for step in name.split(".")) if name else ""
    return {"pointer": f"#/{pointer}" if pointer else "#", **rest}
