"""One request on its way through the gateway: what handlers see of it, and the one call they make."""

import hashlib
import itertools
import json
import re
import secrets
import time
from typing import TYPE_CHECKING, Any

from aiohttp import web

from gateway.http.problems import Problem, bad_header, precondition_required
from gateway.metrics import RPCS
from gateway.routing.route import IfMatch, Key, Route
from gateway.security.rate_limits import Allowance
from gateway.upstream.rpc_client import CallHeaders, Reply
from kit.contracts import Rpc
from kit.errors import Unauthenticated
from kit.tokens import Caller, call_token
from kit.tracing import child_of, is_traceparent

if TYPE_CHECKING:
    from gateway.app import Gateway

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")
_IDEMPOTENCY_KEY = re.compile(r"[\x20-\x7e]{1,255}")
_ENTITY_TAG = re.compile(r'(?P<weak>W/)?"(?P<opaque>[\x21\x23-\x7e\x80-\xff]*)"')
_OWN_TAG = re.compile(r"(?P<version>[0-9]{1,9})\..*")
_PROCESS_ID = secrets.token_hex(8)
_NUMBERS = itertools.count(1)
NO_SUCH_VERSION = 0  # versions begin at 1


class Incoming:
    """A request. `query` and `body` are what their schemas loaded; `path` holds the ids of the path."""

    __slots__ = (
        "address",
        "allowance",
        "body",
        "caller",
        "expected_version",
        "fingerprint",
        "gateway",
        "key",
        "path",
        "query",
        "request",
        "request_id",
        "route",
        "started",
        "token",
        "traceparent",
    )

    def __init__(self, request: web.Request, gateway: "Gateway", address: str) -> None:
        self.request = request
        self.gateway = gateway
        self.route: Route | None = None
        self.started = time.perf_counter()
        own = _own_id()
        sent, trace = request.headers.get("X-Request-Id"), request.headers.get("traceparent")
        self.request_id = sent if sent is not None and _REQUEST_ID.fullmatch(sent) else own
        self.traceparent = child_of(trace) if is_traceparent(trace) else f"00-{own}-{own[16:]}-01"
        self.address = address
        self.caller: Caller | None = None
        self.token = ""
        self.allowance: Allowance | None = None
        self.path: dict[str, str] = {}
        self.query: dict[str, Any] = {}
        self.body: dict[str, Any] = {}
        self.key = ""
        self.fingerprint = ""
        self.expected_version: int | None = None

    async def call(self, contract: Rpc, **arguments: Any) -> Reply:
        """The answer of one method, called for this request's caller. Raises as `RpcClient.call`."""
        headers = CallHeaders(
            request_id=self.request_id,
            traceparent=self.traceparent,
            access_token=call_token(self.token, contract.service) if self.token else "",
            address=self.address,
            idempotency_key=(self.key or secrets.token_hex(16)) if contract.mutates else "",
            idempotency_fingerprint=self.fingerprint if contract.mutates else "",
            idempotency_scope=self.scope if contract.mutates else "",
            onward_tokens=self._onward_tokens(contract.service),
        )
        route = self.route.name if self.route is not None else ""
        RPCS.labels(route, contract.routing_key).inc()
        return await self.gateway.rpc.call(contract, headers, **arguments)

    def _onward_tokens(self, service: str) -> tuple[tuple[str, str], ...]:
        """What the service needs to ask others in the caller's name, and only for that."""
        if not self.token:
            return ()
        methods = self.gateway.onward_methods.get(service, ())
        return tuple((method, call_token(self.token, method)) for method in methods)

    @property
    def signed_in(self) -> Caller:
        """The caller of a route that is for the signed-in. Raises: Unauthenticated."""
        if self.caller is None:
            raise Unauthenticated("Sign in first.")
        return self.caller

    @property
    def scope(self) -> str:
        """Whose keys these are: the account's, or the address's without one."""
        return self.caller.id if self.caller is not None else f"address:{self.address}"

    def read_headers(self, route: Route) -> None:
        """Takes the `Idempotency-Key` and `If-Match` of a writing request.

        Raises: Problem 400 when one is malformed or a required key is missing, 428 when a
        required `If-Match` is.
        """
        if route.key is not Key.NONE:
            self.key = self._read_key(route.key)
        if route.if_match is not IfMatch.NONE:
            header = self.request.headers.get("If-Match")
            if header is None and route.if_match is IfMatch.REQUIRED:
                raise precondition_required()
            self.expected_version = None if header is None else expected_version(header)

    def _read_key(self, rule: Key) -> str:
        key = self.request.headers.get("Idempotency-Key")
        if key is None:
            if rule is Key.REQUIRED:
                detail = "Send an Idempotency-Key, so that repeating the request is harmless."
                raise bad_header("Idempotency-Key", "idempotency_key_missing", detail)
            return ""
        if _IDEMPOTENCY_KEY.fullmatch(key) is None:
            detail = "It must have 1 to 255 printable characters."
            raise bad_header("Idempotency-Key", "idempotency_key_invalid", detail)
        return key

    def sign(self, body: dict[str, Any]) -> None:
        """Computes the fingerprint of method, path and body, by which a reused key is recognised."""
        canonical = json.dumps(body, sort_keys=True, separators=(",", ":"))
        text = f"{self.request.method}\n{self.request.rel_url.raw_path}\n{canonical}"
        self.fingerprint = hashlib.sha256(text.encode()).hexdigest()


def expected_version(header: str) -> int | None:
    """The version an `If-Match` header asks for: None for `*`, 0 (which nothing ever has) for a
    tag that cannot be of a current version, so that the owner answers in its own order of checks.

    Raises: Problem 400 when the header is malformed or lists several tags.
    """
    if header.strip() == "*":
        return None
    tag = _ENTITY_TAG.fullmatch(header.strip())
    if tag is None:
        raise _bad_if_match()
    own = _OWN_TAG.fullmatch(tag["opaque"])
    # If-Match compares strongly (RFC 9110, 13.1.1): a weak tag never matches.
    return NO_SUCH_VERSION if tag["weak"] or own is None else int(own["version"])


def _bad_if_match() -> Problem:
    return bad_header("If-Match", "invalid_header", "Send one ETag, quoted as it was received.")


def _own_id() -> str:
    """32 hex digits that nobody else uses. Not random each time: that would be a system call."""
    return f"{_PROCESS_ID}{next(_NUMBERS):016x}"
