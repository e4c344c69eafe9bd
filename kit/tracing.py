"""W3C trace context: one trace id from the client's request through RPC and events into every log line."""

import re
import secrets

_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def is_traceparent(value: str | None) -> bool:
    """Whether a header is a usable version-00 `traceparent`."""
    return value is not None and _TRACEPARENT.fullmatch(value) is not None


def child_of(parent: str | None) -> str:
    """Returns a `traceparent` in the parent's trace, or in a new one, with a new span id."""
    span = secrets.token_hex(8)
    if parent is None or not is_traceparent(parent):
        return f"00-{secrets.token_hex(16)}-{span}-01"
    _version, trace, _span, flags = parent.split("-")
    return f"00-{trace}-{span}-{flags}"


def trace_id(traceparent: str) -> str:
    """Returns the trace id, 32 hex digits."""
    return traceparent.split("-")[1]
