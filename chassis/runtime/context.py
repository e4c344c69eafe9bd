"""The context of a call: caller, request id, deadline, idempotency key."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog
from nameko.extensions import DependencyProvider

from chassis.storage.database import current_call
from kit.errors import Unauthenticated
from kit.security.tokens import LEEWAY_SECONDS, Caller, Verifier, verifying_keys
from kit.settings import Settings
from kit.tracing import child_of

HEADER_PREFIX = "nameko."
ONWARD_PREFIX = "access_token_for."  # a token for one method of another service


@dataclass(frozen=True)
class IdempotencyKey:
    """A client's key for one request: `scope` is its owner, `fingerprint` a digest of the request."""

    scope: str
    key: str
    fingerprint: str


@dataclass
class Call:
    """The context of one call, event or timer run."""

    verifier: Verifier
    deadline: float
    request_id: str = ""
    traceparent: str = field(default_factory=lambda: child_of(None))
    access_token: str | None = None
    address: str = ""
    idempotency: IdempotencyKey | None = None
    replayed: bool = False
    method: str = ""
    onward_tokens: dict[str, str] = field(default_factory=dict)

    @property
    def account(self) -> Caller:
        """The signed-in caller.

        Raises: Unauthenticated when there is no valid access token.
        """
        if self.access_token is None:
            raise Unauthenticated("Sign in first.")
        return self.verifier.verify(self.access_token, self.method)

    @property
    def account_or_none(self) -> Caller | None:
        """The caller of a public method, None when not signed in."""
        return None if self.access_token is None else self.account

    def remaining_seconds(self) -> float:
        """Returns how long the caller still waits."""
        return self.deadline - time.monotonic()

    def headers_for(self, method: str) -> dict[str, str]:
        """Returns the headers of a call to another service, with the token for that method, not our own."""
        token = self.onward_tokens.get(method)
        if token is None and not self.verifier.audience_required:
            token = self.access_token
        values = {
            "request_id": self.request_id,
            "traceparent": self.traceparent,
            "access_token": token,
            "address": self.address,
        }
        return {HEADER_PREFIX + name: value for name, value in values.items() if value}


def call_from(headers: Mapping[Any, Any], verifier: Verifier, deadline_seconds: float) -> Call:
    """Returns the context in a message's headers; unknown and missing ones are allowed."""
    readable = ((k, v) for k, v in headers.items() if isinstance(k, str) and isinstance(v, str | int))
    values = {k.removeprefix(HEADER_PREFIX): v for k, v in readable}
    key = values.get("idempotency_key")
    try:
        seconds = min(deadline_seconds, float(values.get("deadline_ms", "")) / 1000)  # NaN is not smaller
    except ValueError:
        seconds = deadline_seconds
    token = values.get("access_token")
    return Call(
        verifier=verifier,
        deadline=time.monotonic() + seconds,
        request_id=str(values.get("request_id", "")),
        traceparent=child_of(str(values.get("traceparent", ""))),
        access_token=None if token is None else str(token),
        address=str(values.get("address", "")),
        onward_tokens=_onward_tokens(values),
        idempotency=None
        if key is None
        else IdempotencyKey(
            scope=str(values.get("idempotency_scope", "")),
            key=str(key),
            fingerprint=str(values.get("idempotency_fingerprint", "")),
        ),
    )


def _onward_tokens(values: Mapping[str, Any]) -> dict[str, str]:
    found = ((name, str(value)) for name, value in values.items() if name.startswith(ONWARD_PREFIX))
    return {name.removeprefix(ONWARD_PREFIX): token for name, token in found}


class CallContext(DependencyProvider):  # type: ignore[misc]
    """Provides each call with its `Call`."""

    verifier: Verifier

    def setup(self) -> None:
        """Reads the verifying keys. Raises: BadSetting when they are unusable."""
        self.settings: Settings = self.container.config["settings"]
        self.verifier = Verifier(
            verifying_keys(self.settings),
            LEEWAY_SECONDS,
            audience=self.container.service_name,
            audience_required=self.settings.token_audience_required,
        )

    def get_dependency(self, worker_ctx: Any) -> Call:
        """Returns the context that the entrypoint created."""
        call: Call = worker_ctx.data["call"]
        return call

    def worker_setup(self, worker_ctx: Any) -> None:
        """Adds the method's name to all logs and metrics of this greenlet."""
        enter(f"{worker_ctx.service_name}.{worker_ctx.entrypoint.method_name}", worker_ctx.data["call"])

    def call_from(self, headers: Mapping[str, Any]) -> Call:
        """Returns the context in a message's headers; without headers, that of background work."""
        return call_from(headers, self.verifier, self.settings.rpc_deadline_seconds)


def context_of(container: Any) -> CallContext:
    """Returns the `CallContext` of a service; every service with entrypoints declares one."""
    return next(d for d in container.dependencies if isinstance(d, CallContext))


def enter(work: str, call: Call | None) -> None:
    """Labels logs and metrics of the current greenlet with `work` and the request of `call`."""
    current_call.set(work)
    structlog.contextvars.clear_contextvars()
    request = {} if call is None else {"request_id": call.request_id, "traceparent": call.traceparent}
    structlog.contextvars.bind_contextvars(call=work, **request)
