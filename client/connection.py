"""One person's connection to the API: tokens, idempotency keys and retries."""

import asyncio
import hashlib
import json
import time
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import aiohttp

from client.problem import Problem, Unreachable
from client.resources import Session

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
STALE_TOKEN_CODES = frozenset({"token_expired", "invalid_token", "unauthenticated"})
RETRYABLE_STATUSES = frozenset({429, 503, 504})
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 2.0
REFRESH_BEFORE_SECONDS = 30
REQUEST_SECONDS = 30.0
Body = Mapping[str, object]


class HttpConnection:
    """Sends requests and repeats them, under the same idempotency key, until there is an answer.

    A lost connection, 429, 503, 504 and a duplicate that is still running are tried again for
    `patience_seconds` in all; an access token about to expire is renewed first. Every request carries
    `headers`.
    """

    def __init__(
        self,
        base_url: str,
        patience_seconds: float,
        http: aiohttp.ClientSession | None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.headers = dict(headers or {})
        self.session: Session | None = None
        self.patience_seconds = patience_seconds
        self._own_http = http is None
        self._http = http
        self._expires_at = 0.0
        self._refreshing = asyncio.Lock()

    @property
    def http(self) -> aiohttp.ClientSession:
        """The pool of connections; opened at the first use."""
        if self._http is None:
            timeout = aiohttp.ClientTimeout(total=REQUEST_SECONDS)
            self._http = aiohttp.ClientSession(timeout=timeout)
        return self._http

    async def close(self) -> None:
        """Closes the pool, unless the caller passed it in."""
        if self._own_http and self._http is not None:
            await self._http.close()
            self._http = None

    def use(self, session: Session | None) -> None:
        """Signs every further request with this session's access token; None: with nothing."""
        self.session = session
        self._expires_at = time.monotonic() + session["expires_in"] if session else 0.0

    async def send(
        self,
        method: str,
        path: str,
        body: Body | None = None,
        query: Mapping[str, Any] | None = None,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """The answer's JSON; None for 204, bytes when another type was asked for by `Accept`.

        Raises: Problem (a refusal), Unreachable (no answer).
        """
        sent = dict(headers or {})
        if method in WRITES:
            sent["Idempotency-Key"] = key or str(uuid4())
        await self.renew_if_needed()
        token = self._access_token
        try:
            return await self._send_with_retries(method, path, body, query, {**sent, **_signed(token)})
        except Problem as problem:
            if problem.status != 401 or token is None or problem.code not in STALE_TOKEN_CODES:
                raise
        await self.renew(token)
        return await self._send_with_retries(method, path, body, query, {**sent, **self.authorization()})

    async def _send_with_retries(
        self,
        method: str,
        path: str,
        body: Body | None,
        query: Mapping[str, Any] | None,
        headers: dict[str, str],
    ) -> Any:
        give_up_at = time.monotonic() + self.patience_seconds
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                return await self._send_once(method, path, body, query, headers)
            except Problem as problem:
                wait = _retry_delay_of(problem, pause)
                if wait is None or time.monotonic() + wait > give_up_at:
                    raise
            except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError) as error:
                wait = pause
                if time.monotonic() + wait > give_up_at:
                    raise Unreachable(f"{self.base_url} does not answer: {error}") from error
            await asyncio.sleep(wait)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def _send_once(
        self,
        method: str,
        path: str,
        body: Body | None,
        query: Mapping[str, Any] | None,
        headers: dict[str, str],
    ) -> Any:
        given = {name: value for name, value in (query or {}).items() if value is not None}
        async with self.http.request(
            method, self.base_url + path, params=given, json=body, headers={**self.headers, **headers}
        ) as answer:
            raw = await answer.read()
            if answer.status >= 400:
                raise problem_of(answer, raw)
            if headers.get("Accept") == answer.content_type:
                return raw
            return _read(answer, raw) if raw else None

    @property
    def _access_token(self) -> str | None:
        return None if self.session is None else self.session["access_token"]

    def authorization(self) -> dict[str, str]:
        """Returns the `Authorization` header of the session."""
        return _signed(self._access_token)

    async def renew_if_needed(self) -> None:
        """Renews an access token that is about to expire."""
        if self._access_token is not None and time.monotonic() > self._expires_at - REFRESH_BEFORE_SECONDS:
            await self.renew(self._access_token)

    async def renew(self, stale_token: str) -> None:
        """Exchanges the refresh token, once for all requests that found `stale_token` stale.

        The idempotency key is derived from the token, so concurrent renewals of one token get the same
        successor, and none is treated as the reuse of a stolen token.

        Raises: Problem when the session is over; the client is signed out then.
        """
        async with self._refreshing:
            if self.session is None or self._access_token != stale_token:
                return
            body = {"refresh_token": self.session["refresh_token"]}
            headers = {"Idempotency-Key": _refresh_key(self.session["refresh_token"])}
            try:
                self.use(await self._send_with_retries("POST", "/v1/sessions/refresh", body, None, headers))
            except Problem as problem:
                if problem.status == 401:
                    self.use(None)
                raise


def _refresh_key(refresh_token: str) -> str:
    return hashlib.sha256(b"refresh " + refresh_token.encode()).hexdigest()


def _signed(token: str | None) -> dict[str, str]:
    return {} if token is None else {"Authorization": f"Bearer {token}"}


def _retry_delay_of(problem: Problem, pause: float) -> float | None:
    if problem.status in RETRYABLE_STATUSES:
        return max(pause, problem.retry_after_seconds or 0)
    return pause if problem.code == "idempotency_in_progress" else None


def _read(answer: aiohttp.ClientResponse, raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError as error:
        body = {"code": "not_json", "title": "The answer is no JSON; is this the gateway's address?"}
        raise Problem(answer.status, body) from error


def problem_of(answer: aiohttp.ClientResponse, raw: bytes) -> Problem:
    """Returns the problem in an error response, even one that is not the API's."""
    try:
        body = json.loads(raw)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        body = {"title": answer.reason or "", "code": "not_a_problem"}
    try:
        retry_after = float(answer.headers["Retry-After"])
    except (KeyError, ValueError):
        retry_after = None
    return Problem(answer.status, body, retry_after)
