"""Revoked sessions, known from live events and from a list that is fetched after connecting."""

import asyncio
import time
from datetime import datetime

import structlog

from gateway.upstream.rpc_client import CallHeaders, RpcClient
from kit.errors import RemoteFailure, ServiceError
from services.accounts import contract as accounts

log = structlog.get_logger(__name__)

RETRY_SECONDS = 1.0
SWEEP_ABOVE = 1_000
LONGEST_TOKEN_SECONDS = 24 * 3600.0  # longer than any access token is valid


class Revocations:
    """Sessions that were signed out before their access tokens have expired.

    `loaded` is set once the sessions revoked before this process started are known.
    """

    def __init__(self, rpc: RpcClient) -> None:
        self._rpc = rpc
        self._until: dict[str, float] = {}
        self._sweep_above = SWEEP_ABOVE
        self._loading: asyncio.Task[None] | None = None
        self.loaded = asyncio.Event()

    def add(self, session_ids: list[str], expires_at: str) -> None:
        """Adds revoked sessions, whose tokens expire at `expires_at` (RFC 3339)."""
        until = datetime.fromisoformat(expires_at).timestamp()
        for session_id in session_ids:
            self._until[session_id] = max(until, self._until.get(session_id, 0.0))
        if len(self._until) > self._sweep_above:
            now = time.time()
            self._until = {key: expiry for key, expiry in self._until.items() if expiry > now}
            self._sweep_above = max(SWEEP_ABOVE, 2 * len(self._until))

    def add_now(self, session_id: str) -> None:
        """Adds a session that was signed out just now."""
        self._until[session_id] = time.time() + LONGEST_TOKEN_SECONDS

    def __contains__(self, session_id: str) -> bool:
        return session_id in self._until

    def load_in_background(self) -> None:
        """Fetches the current list, repeatedly until accounts answers."""
        self.stop()
        self._loading = asyncio.create_task(self._load())

    def stop(self) -> None:
        """Stops fetching."""
        if self._loading is not None:
            self._loading.cancel()

    async def _load(self) -> None:
        while True:
            try:
                reply = await self._rpc.call(accounts.LIST_REVOCATIONS, CallHeaders(request_id="start"))
                for entry in reply.result["data"]:
                    self.add([entry["session_id"]], entry["expires_at"])
                self.loaded.set()
                return
            except (ServiceError, RemoteFailure) as error:
                log.warning("revocations_not_loaded", error=f"{type(error).__name__}: {error}")
            await asyncio.sleep(RETRY_SECONDS)
