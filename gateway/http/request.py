"""The context of one request: what handlers read of it, and the call that they make."""

import functools
import hashlib
import itertools
import json
import re
import secrets
import time
from typing import Any

from aiohttp import web
from prometheus_client import Counter

from gateway.contracts import ONWARD_METHODS
from gateway.http.problems import Problem, bad_header, precondition_required
from gateway.metrics import RPCS
from gateway.routing.policies import IdempotencyKey, IfMatch, RateLimit
from gateway.security.rate_limits import Allowance
from gateway.state import Gateway
from gateway.upstream.rpc_client import CallHeaders, Reply
from kit.contracts import Rpc
from kit.errors import Unauthenticated
from kit.http.addresses import network_of
from kit.security.tokens import Caller, call_token
from kit.tracing import child_of, is_traceparent

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")
_IDEMPOTENCY_KEY = re.compile(r"[\x20-\x7e]{1,255}")
_ENTITY_TAG = re.compile(r'(?P<weak>W/)?"(?P<opaque>[\x21\x23-\x7e\x80-\xff]*)"')
_OWN_TAG = re.compile(r"(?P<version>[0-9]{1,9})\..*")
_PROCESS_ID = secrets.token_hex(8)
_NUMBERS = itertools.count(1)
CACHED_TOKENS = 2_000  # about two kilobytes each
NO_SUCH_VERSION = 0  # versions start at 1


class RequestContext:
    """A request and what is known about it so far.

    `path`, `query` and `body` are its parameters by their place; those of query and body as their schemas
    loaded them.
    """

    __slots__ = (
        "address",
        "allowance",
        "body",
        "caller",
        "expected_version",
        "fingerprint",
        "gateway",
        "idempotency_key",
        "operation_id",
        "path",
        "query",
        "request",
        "request_id",
        "started",
        "token",
        "traceparent",
    )

    def __init__(self, request: web.Request, gateway: Gateway, address: str) -> None:
        self.request = request
        self.gateway = gateway
        self.operation_id = ""  # until a route matches
        self.started = time.perf_counter()
        own_id = _new_id()
        sent, trace = request.headers.get("X-Request-Id"), request.headers.get("traceparent")
        self.request_id = sent if sent is not None and _REQUEST_ID.fullmatch(sent) else own_id
        self.traceparent = child_of(trace) if is_traceparent(trace) else f"00-{own_id}-{own_id[16:]}-01"
        self.address = address
        self.caller: Caller | None = None
        self.token = ""
        self.allowance: Allowance | None = None
        self.path: dict[str, str] = {}
        self.query: dict[str, Any] = {}
        self.body: dict[str, Any] = {}
        self.idempotency_key = ""
        self.fingerprint = ""
        self.expected_version: int | None = None

    @property
    def signed_in_caller(self) -> Caller:
        """The caller, on a route that requires one. Raises: Unauthenticated."""
        if self.caller is None:
            raise Unauthenticated("Sign in first.")
        return self.caller

    def authenticate(self) -> None:
        """Verifies the access token, if one is sent. Raises: Unauthenticated when it is not valid."""
        authorization = self.request.headers.get("Authorization")
        self.caller, self.token = self.gateway.authenticator.authenticate(authorization)

    def count_against(self, limit: RateLimit) -> None:
        """Counts the request against a limit of its account or network. Raises: TooMany."""
        client = self.caller.id if self.caller is not None else network_of(self.address)
        self.allowance = self.gateway.rate_limits.count(limit, client)
        if self.allowance is not None:
            self.allowance.raise_if_exhausted()

    def read_headers(self, key_rule: IdempotencyKey, if_match_rule: IfMatch) -> None:
        """Reads the `Idempotency-Key` and `If-Match` of a writing request.

        Raises: Problem 400 when one is malformed or a required key is missing, 428 when a
        required `If-Match` is missing.
        """
        if key_rule is not IdempotencyKey.NONE:
            self.idempotency_key = self._read_key(key_rule)
        if if_match_rule is not IfMatch.NONE:
            header = self.request.headers.get("If-Match")
            if header is None and if_match_rule is IfMatch.REQUIRED:
                raise precondition_required()
            self.expected_version = None if header is None else expected_version(header)

    def _read_key(self, rule: IdempotencyKey) -> str:
        key = self.request.headers.get("Idempotency-Key")
        if key is None:
            if rule is IdempotencyKey.REQUIRED:
                detail = "Send an Idempotency-Key, so that repeating the request is harmless."
                raise bad_header("Idempotency-Key", "idempotency_key_missing", detail)
            return ""
        if _IDEMPOTENCY_KEY.fullmatch(key) is None:
            detail = "It must have 1 to 255 printable characters."
            raise bad_header("Idempotency-Key", "idempotency_key_invalid", detail)
        return key

    def compute_fingerprint(self, body: dict[str, Any]) -> None:
        """Computes the fingerprint of method, path and body, by which a reused key is recognised."""
        canonical = json.dumps(body, sort_keys=True, separators=(",", ":"))
        text = f"{self.request.method}\n{self.request.rel_url.raw_path}\n{canonical}"
        self.fingerprint = hashlib.sha256(text.encode()).hexdigest()

    async def call(self, contract: Rpc, **arguments: Any) -> Reply:
        """Calls one method on behalf of this request's caller. Raises what `RpcClient.call` raises."""
        access_token, onward_tokens = _tokens(self.token, contract.service)
        headers = CallHeaders(
            request_id=self.request_id,
            traceparent=self.traceparent,
            access_token=access_token,
            address=self.address,
            idempotency_key=(self.idempotency_key or secrets.token_hex(16)) if contract.mutates else "",
            idempotency_fingerprint=self.fingerprint if contract.mutates else "",
            idempotency_scope=self._idempotency_scope if contract.mutates else "",
            onward_tokens=onward_tokens,
        )
        _calls_of(self.operation_id, contract.routing_key).inc()
        return await self.gateway.rpc.call(contract, headers, **arguments)

    @property
    def _idempotency_scope(self) -> str:
        """Keys are unique per account, or per address where there is none."""
        return self.caller.id if self.caller is not None else f"address:{self.address}"


CONTEXT = web.RequestKey("context", RequestContext)


@functools.lru_cache(CACHED_TOKENS)
def _tokens(access_token: str, service: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Returns the token of calls to a service, and one for each method that the service may call on the
    caller's behalf, valid for that only. Empty without an access token."""
    if not access_token:
        return "", ()
    methods = ONWARD_METHODS.get(service, ())
    onward_tokens = tuple((method, call_token(access_token, method)) for method in methods)
    return call_token(access_token, service), onward_tokens


@functools.cache
def _calls_of(operation_id: str, routing_key: str) -> Counter:
    return RPCS.labels(operation_id, routing_key)


def expected_version(header: str) -> int | None:
    """The version that an `If-Match` header names: None for `*`, and 0, which no resource has, for a
    tag that matches no version, so that the service still makes its checks in its own order.

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


def _new_id() -> str:
    """32 unique hex digits: random per process, then counted, which saves a system call per request."""
    return f"{_PROCESS_ID}{next(_NUMBERS):016x}"
