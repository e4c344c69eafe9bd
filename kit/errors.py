"""The errors that cross RPC. A service raises them; only the gateway gives them an HTTP status."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypedDict

from kit.types import JsonValue


class FieldError(TypedDict):
    """One invalid field: its dotted path in the arguments, a stable code and a sentence."""

    field: str
    code: str
    detail: str


class ServiceError(Exception):
    """An error that may be shown to the caller.

    `code` is stable and public, `detail` is a sentence for people, `data` holds further
    JSON members of the problem (for example `current_status`).
    """

    kind: ClassVar[str] = "error"
    default_code: ClassVar[str] = ""

    def __init__(self, detail: str, code: str | None = None, **data: JsonValue) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or self.default_code or self.kind
        self.data: dict[str, Any] = data


class NotFound(ServiceError):
    """The resource does not exist, or the caller is not a party to it."""

    kind = "not_found"


class Forbidden(ServiceError):
    """The caller is authenticated but does not have the right."""

    kind = "forbidden"
    default_code = "not_allowed"


class Unauthenticated(ServiceError):
    """No valid access token."""

    kind = "unauthenticated"


class Conflict(ServiceError):
    """A valid request that the current state does not allow."""

    kind = "conflict"


class Stale(ServiceError):
    """The caller's version of the resource is not the current one (`If-Match`)."""

    kind = "stale"
    default_code = "precondition_failed"


class Gone(ServiceError):
    """It existed and is used up or expired."""

    kind = "gone"


class Declined(ServiceError):
    """The payment processor declined; stored like a success for the same idempotency key."""

    kind = "declined"
    default_code = "payment_declined"


class TooMany(ServiceError):
    """A limit was reached; `retry_after_seconds` is in `data`."""

    kind = "too_many"
    default_code = "rate_limited"


class Unavailable(ServiceError):
    """A dependency of this call is unavailable. Nothing was changed, and the call may be repeated later."""

    kind = "unavailable"


class TimedOut(ServiceError):
    """No answer within the deadline; whether the call took effect is unknown."""

    kind = "timed_out"
    default_code = "timeout"


class Invalid(ServiceError):
    """Well-formed input with invalid values. `data["errors"]` is a list of `FieldError`."""

    kind = "invalid"
    default_code = "validation_failed"

    @classmethod
    def field(cls, field: str, code: str, detail: str) -> "Invalid":
        """Returns the error of one invalid field; its `code` is also the problem's."""
        return cls(detail, code=code, errors=[FieldError(field=field, code=code, detail=detail)])


class BadQuery(ServiceError):
    """An invalid query parameter or cursor. `data["errors"]` is a list of `FieldError`."""

    kind = "bad_query"
    default_code = "invalid_query"

    @classmethod
    def parameter(cls, name: str, code: str, detail: str) -> "BadQuery":
        """Returns the error of one invalid parameter."""
        return cls(detail, errors=[FieldError(field=name, code=code, detail=detail)])


KINDS: dict[str, type[ServiceError]] = {error.kind: error for error in ServiceError.__subclasses__()}


def to_wire(error: ServiceError) -> dict[str, Any]:
    """Returns the error as JSON, in Nameko's reply format with `kind`, `code` and `data` added."""
    return {
        "exc_type": type(error).__name__,
        "exc_path": f"kit.errors.{type(error).__name__}",
        "exc_args": [error.detail],
        "value": error.detail,
        "kind": error.kind,
        "code": error.code,
        "data": error.data,
    }


def from_wire(wire: Mapping[str, Any]) -> Exception:
    """Returns the error in a reply; one that is not a `ServiceError` becomes `RemoteFailure`."""
    kind = KINDS.get(wire.get("kind", ""))
    if kind is None:
        return RemoteFailure(f"{wire.get('exc_type')}: {wire.get('value')}")
    return kind(wire["value"], code=wire["code"], **wire["data"])


class RemoteFailure(Exception):
    """An unexpected exception in the called service; its text is for logs only."""


def field_errors(messages: Mapping[Any, Any] | Sequence[Any], path: str = "") -> list[FieldError]:
    """Flattens marshmallow's nested messages; paths are dotted (`price.amount`)."""
    if isinstance(messages, Mapping):
        found: list[FieldError] = []
        for key, value in messages.items():
            own = path if key == "_schema" else f"{path}.{key}".lstrip(".")
            found += field_errors(value, own)
        return found
    return [FieldError(field=path, code=_code_of(text), detail=str(text)) for text in messages]


def _code_of(text: object) -> str:
    known = {"Missing data for required field.": "required", "Unknown field.": "unknown_field"}
    return known.get(str(text), "invalid")
