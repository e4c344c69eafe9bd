"""What every answer has, whatever became of the request."""

import re
from collections.abc import Awaitable, Callable

from aiohttp import ClientResponse

from tests.website.support.fake_api import Visitor, problem, run
from website.assets import Assets
from website.http.middleware import POLICY


async def _all_kinds(visitor: Visitor) -> list[tuple[str, ClientResponse]]:
    assets = Assets()
    visitor.api.answers["GET /v1/help"] = problem(503, "unavailable")
    answers = [
        (path, await visitor.get(path))
        for path in ("/", "/sign-in", "/settings", "/nowhere", "/favicon.ico", "/static/old.css", "/healthz",
                     assets.path("site.css"), assets.path("live.js"), assets.path("icon.svg"), "/help",
                     "/live/events", "/live/bell", "/sign-out")
    ]  # fmt: skip
    answers.append(("foreign form", await visitor.post("/sign-in", "https://evil.example")))
    answers.append(("too long", await visitor.post("/sign-in", email="x" * 300_000)))
    answers.append(("method", await visitor.http.put("/sign-in", allow_redirects=False)))
    return answers


def test_every_answer_has_the_protecting_headers() -> None:
    async def scenario(visitor: Visitor) -> None:
        for path, answer in await _all_kinds(visitor):
            assert answer.headers["Content-Security-Policy"] == POLICY, path
            assert "unsafe" not in POLICY and "default-src 'none'" in POLICY
            assert answer.headers["X-Content-Type-Options"] == "nosniff", path
            assert answer.headers["X-Frame-Options"] == "DENY", path
            assert answer.headers["Referrer-Policy"] == "same-origin", path
            assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin", path
            assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-Id"]), path
            assert answer.headers["Server"] == "MicroTasks", path
            if not path.startswith("/static/"):
                assert answer.headers["Cache-Control"] == "no-store", path

    run(scenario)


def test_statuses_say_what_happened() -> None:
    async def scenario(visitor: Visitor) -> None:
        statuses = {path: answer.status for path, answer in await _all_kinds(visitor)}
        assert {path: status for path, status in statuses.items() if not path.startswith("/static/s")} == {
            "/": 200, "/sign-in": 200, "/settings": 303, "/nowhere": 404, "/favicon.ico": 301,
            "/static/old.css": 404, "/healthz": 200, "/help": 503, "/live/events": 204, "/live/bell": 303,
            "/sign-out": 303, "foreign form": 403, "too long": 413, "method": 405,
            **{Assets().path(name): 200 for name in ("live.js", "icon.svg")},
        }  # fmt: skip

    run(scenario)


def test_files_keep_for_ever_under_names_that_change_with_them() -> None:
    async def scenario(visitor: Visitor) -> None:
        page = await (await visitor.get("/")).text()
        paths = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', page))
        assert len(paths) == 3
        for path in paths:
            assert re.fullmatch(r"/static/\w+\.[0-9a-f]{12}\.\w+", path)
            answer = await visitor.get(path, Accept_Encoding="gzip")
            assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert (await visitor.get("/static/site.000000000000.css")).status == 404

    run(scenario)


def https(scenario: Callable[[Visitor], Awaitable[None]]) -> None:
    run(scenario, site_url="https://market.example", web_secret="lantern-orchard-42-lantern-orchard-42")


def test_an_https_site_is_left_by_https_only() -> None:
    async def scenario(visitor: Visitor) -> None:
        for path in ("/help", "/nowhere", "/healthz"):
            answer = await visitor.get(path)
            assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")

    async def plain(visitor: Visitor) -> None:
        assert "Strict-Transport-Security" not in (await visitor.get("/help")).headers

    https(scenario)
    run(plain)
