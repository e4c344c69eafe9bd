"""A gateway over a fake of every service, listening on a real port."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from gateway.app import build_app, serving
from gateway.settings import GatewaySettings
from gateway.state import GATEWAY, Gateway
from gateway.upstream.event_feed import EventSubscribers
from gateway.upstream.rpc_client import CallHeaders, Reply
from kit.contracts import Rpc
from kit.http import event_loop
from kit.settings import load, own_secrets
from services.accounts import contract as accounts
from services.accounts.credentials.signing import Signer

ANNA = "01890000-0000-7000-8000-00000000000a"
BEN = "01890000-0000-7000-8000-00000000000b"
ORDER_ID = "01890000-0000-7000-8000-0000000000f1"
SERVICE_ID = "01890000-0000-7000-8000-0000000000e1"
SESSION_ID = "01890000-0000-7000-8000-0000000000d1"
SIGNER = Signer(own_secrets()["TOKEN_SIGNING_KEY"])


class FakeRpc:
    """Returns what the test sets, and records the calls."""

    def __init__(self) -> None:
        self.is_ready = True
        self.calls: list[tuple[Rpc, CallHeaders, dict[str, Any]]] = []
        self._answers: dict[str, Any] = {"accounts.list_revocations": {"data": []}}

    def answer(self, contract: Rpc, result: Any) -> None:
        """Sets what a method returns: a result, an exception to raise, or a function of the arguments."""
        self._answers[contract.routing_key] = result

    async def call(self, contract: Rpc, headers: CallHeaders, **arguments: Any) -> Reply:
        """See `RpcClient.call`."""
        if contract is not accounts.LIST_REVOCATIONS:
            self.calls.append((contract, headers, arguments))
        result = self._answers.get(contract.routing_key)
        if callable(result):
            result = result(**arguments)
            if asyncio.iscoroutine(result):
                result = await result
        if isinstance(result, Exception):
            raise result
        return result if isinstance(result, Reply) else Reply(result)

    @property
    def last(self) -> tuple[Rpc, CallHeaders, dict[str, Any]]:
        """The last call."""
        return self.calls[-1]


class FakeFeed(EventSubscribers):
    """A feed that is connected from the start; tests deliver its events."""

    def __init__(self) -> None:
        super().__init__()
        self.is_ready = True


class GatewayTestbed:
    """A running gateway and a client of it."""

    def __init__(self, rpc: FakeRpc, feed: FakeFeed, gateway: Gateway, client: aiohttp.ClientSession) -> None:
        self.rpc = rpc
        self.feed = feed
        self.gateway = gateway
        self.client = client

    def request(self, method: str, path: str, who: str | None = None, **options: Any) -> Any:
        """Sends a request, signed in as `who`; an async context manager of the response."""
        headers = dict(options.pop("headers", {}))
        if who is not None:
            headers.setdefault("Authorization", f"Bearer {token(who)}")
        return self.client.request(method, path, headers=headers, **options)

    async def problem(self, method: str, path: str, who: str | None = None, **options: Any) -> dict[str, Any]:
        """Returns the problem that a request gets, and checks what every problem must have."""
        async with self.request(method, path, who, **options) as response:
            assert response.content_type == "application/problem+json", await response.text()
            problem: dict[str, Any] = await response.json()
            assert problem["status"] == response.status
            assert problem["type"] == f"/problems/{problem['code']}"
            assert problem["request_id"] == response.headers["X-Request-Id"]
            assert problem["title"] and problem["detail"]
            assert problem["instance"] == response.url.raw_path
            return {**problem, "headers": response.headers}


def token(
    account_id: str, roles: tuple[str, ...] = (), lifetime: int = 600, session_id: str = SESSION_ID
) -> str:
    """An access token."""
    return SIGNER.sign(account_id, session_id, "Anna", roles, int(time.time()), lifetime)


def on_gateway(
    **overrides: Any,
) -> Callable[[Callable[[GatewayTestbed], Awaitable[None]]], Callable[[], None]]:
    """Turns a coroutine that takes a `GatewayTestbed` into a test; `overrides` are settings."""

    def decorate(test: Callable[[GatewayTestbed], Awaitable[None]]) -> Callable[[], None]:
        def run() -> None:
            event_loop.run(_run(test, overrides))

        run.__name__, run.__doc__ = test.__name__, test.__doc__
        return run

    return decorate


async def _run(test: Callable[[GatewayTestbed], Awaitable[None]], overrides: dict[str, Any]) -> None:
    async with running_testbed(**overrides) as testbed:
        await asyncio.wait_for(test(testbed), 30)


@asynccontextmanager
async def running_testbed(**overrides: Any) -> AsyncIterator[GatewayTestbed]:
    """A gateway that listens, and a client."""
    settings = load(GatewaySettings, **{"gateway_port": 0, "drain_seconds": 2.0, **overrides})
    rpc, feed = FakeRpc(), FakeFeed()
    app = build_app(settings, rpc, feed)
    async with serving(app, settings) as runner:
        host, port = runner.addresses[0][:2]
        async with aiohttp.ClientSession(f"http://{host}:{port}") as client:
            yield GatewayTestbed(rpc, feed, app[GATEWAY], client)
