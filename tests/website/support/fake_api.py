"""A stand-in for the API that remembers what it was asked, and a site before it."""

import asyncio
import contextlib
import json
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer

from kit.http.server import HttpRunner
from website.app import build_app
from website.security.account_signatures import ANONYMOUS, OWNER_FIELD, AccountSigner
from website.settings import WebSettings

SECRET = secrets.token_hex(24)
ACCESS, REFRESH = "canary-access-token", "canary-refresh-token"
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
EMPTY_LIST = {"data": [], "page": {"next_cursor": None, "has_more": False}}
ACCOUNT = {
    "id": "01a223a8-dbc1-764d-bcf2-d87f81f512aa", "email": "ada@example.com", "email_verified": False,
    "display_name": "Ada", "bio": "", "roles": ["member"], "time_zone": "UTC", "locale": "en", "version": 1,
    "created_at": "2026-11-28T12:00:00Z", "updated_at": "2026-11-28T12:00:00Z",
}  # fmt: skip
CHANNELS = {"in_app": True, "email": False}
USUAL: dict[str, Any] = {
    "GET /v1/notifications/unread_count": {"count": 3},
    "GET /v1/categories": EMPTY_LIST,
    "GET /v1/services": EMPTY_LIST,
    "GET /v1/notifications": EMPTY_LIST,
    "GET /v1/sessions": EMPTY_LIST,
    "GET /v1/me/security_events": EMPTY_LIST,
    "GET /v1/help": {"data": []},
    "GET /v1/me": ACCOUNT,
    "GET /v1/me/notification_preferences": dict.fromkeys(
        ("order_updates", "messages", "reviews", "payments"), CHANNELS
    ),
    "PATCH /v1/me": ACCOUNT,
}


class FakeApi:
    """Answers JSON by method and path; `asked` holds the requests, `bodies` what they carried."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = dict(USUAL)
        self.asked: list[web.Request] = []
        self.bodies: list[Any] = []
        self.answers["POST /v1/sessions"] = session()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        self.asked.append(request)
        self.bodies.append(json.loads(raw) if raw else None)
        answer = self.answers.get(f"{request.method} {request.path}", problem(404, "not_found"))
        if callable(answer):
            answer = await answer(request)
        return answer if isinstance(answer, web.StreamResponse) else web.json_response(answer)

    def asked_for(self, path: str) -> list[web.Request]:
        return [request for request in self.asked if request.path == path]


def session(access: str = ACCESS, refresh: str = REFRESH, seconds: int = 600) -> dict[str, Any]:
    return {
        "session_id": "s", "access_token": access, "refresh_token": refresh, "token_type": "Bearer",
        "expires_in": seconds, "account": ACCOUNT,
    }  # fmt: skip


def problem(status: int, code: str, detail: str = "", **headers: str) -> Answer:
    async def answer(_: web.Request) -> web.StreamResponse:
        body = {"status": status, "code": code, "title": code, "detail": detail}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.json_response(body, status=status, headers=named)

    return answer


class Visitor:
    """A browser without scripts: keeps cookies, says where its forms come from and whose they are."""

    def __init__(self, http: "TestClient[web.Request, web.Application]", api: FakeApi) -> None:
        self.http = http
        self.api = api
        self.site = f"http://{http.host}:{http.port}"

    async def get(self, path: str, **headers: str) -> ClientResponse:
        return await self.http.get(path, headers=headers, allow_redirects=False)

    async def post(self, path: str, origin: str | None = "", **fields: str) -> ClientResponse:
        headers = {} if origin is None else {"Origin": origin or self.site}
        owned = {OWNER_FIELD: self.owner, **fields}
        return await self.http.post(path, data=owned, headers=headers, allow_redirects=False)

    async def sign_in(self) -> ClientResponse:
        return await self.post("/sign-in", email="ada@example.com", password="a long pass phrase")

    @property
    def owner(self) -> str:
        """What a form says that is shown to this visitor now."""
        return AccountSigner((SECRET,)).sign_field(str(ACCOUNT["id"]) if self.session else ANONYMOUS)

    @property
    def session(self) -> str:
        """The session's cookie; empty when there is none."""
        return self.cookies.get(self.cookie_name("session"), "")

    def cookie_name(self, name: str) -> str:
        """A cookie's name at this site."""
        return f"{name}-{self.http.port}"

    @property
    def cookies(self) -> dict[str, str]:
        return {cookie.key: cookie.value for cookie in self.http.session.cookie_jar}


class SiteServer(TestServer):
    """Serves the site as its process does, so that bodies and heads meet the same bounds."""

    async def _make_runner(self, **_: Any) -> HttpRunner:
        return HttpRunner(self.app, handler_cancellation=True)


@contextlib.asynccontextmanager
async def visiting(**settings: Any) -> AsyncIterator[Visitor]:
    """A visitor at a site whose API is a fake one."""
    api = FakeApi()
    upstream = web.Application()
    upstream.router.add_route("*", "/{rest:.*}", api.handle)
    async with TestServer(upstream) as server:
        given = {
            "web_secret": SECRET,
            "api_url": str(server.make_url("")),
            "web_patience_seconds": 0.3,
            **settings,
        }
        async with TestClient(SiteServer(build_app(WebSettings(**given)))) as http:
            yield Visitor(http, api)


def run(scenario: Callable[[Visitor], Awaitable[None]], **settings: Any) -> None:
    """Runs a scenario with one visitor."""

    async def main() -> None:
        async with visiting(**settings) as visitor:
            await scenario(visitor)

    asyncio.run(main())


@contextlib.contextmanager
def within(seconds: float) -> Any:
    """What happens inside takes no longer."""
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds
