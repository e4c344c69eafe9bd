"""An API that is away, slow, busy or has ended the session; and what it hears of visitors."""

import asyncio
import gzip
from http.cookies import SimpleCookie

import pytest
from aiohttp import web

from tests.website.support.fake_api import Visitor, problem, run, within
from website import site


def test_without_the_api_a_page_says_so_soon() -> None:
    async def scenario(visitor: Visitor) -> None:
        with within(4):
            answer = await visitor.get("/")
        page = await answer.text()
        assert answer.status == 503 and int(answer.headers["Retry-After"]) >= 1
        assert answer.headers["X-Request-Id"] in page and "Try again" in page

    run(scenario, api_url="http://127.0.0.1:9", web_patience_seconds=1.0)


def test_a_silent_api_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site, "API_SECONDS", 0.5)

    async def scenario(visitor: Visitor) -> None:
        await visitor.sign_in()

        async def silence(_: web.Request) -> web.StreamResponse:
            await asyncio.sleep(30)
            return web.Response()

        for path in ("/v1/categories", "/v1/notifications/unread_count"):
            visitor.api.answers[f"GET {path}"] = silence
        with within(4):
            answer = await visitor.get("/")
        assert answer.status == 503
        with within(4):  # the bell alone is no reason to refuse a page
            assert (await visitor.get("/help")).status == 200

    run(scenario)


def test_too_many_requests_are_a_page_with_the_time_to_wait() -> None:
    async def scenario(visitor: Visitor) -> None:
        visitor.api.answers["GET /v1/categories"] = problem(429, "busy", "Slow down.", Retry_After="7")
        answer = await visitor.get("/")
        assert (answer.status, answer.headers["Retry-After"]) == (429, "7")
        assert "Slow down." in await answer.text()

    run(scenario)


def test_an_answer_that_is_no_json_is_no_page_of_ours() -> None:
    async def scenario(visitor: Visitor) -> None:
        async def nonsense(_: web.Request) -> web.StreamResponse:
            return web.Response(text="<h1>Bad Gateway</h1>", status=502, content_type="text/html")

        visitor.api.answers["GET /v1/categories"] = nonsense
        assert (await visitor.get("/")).status == 503

    run(scenario)


def test_a_session_that_was_ended_elsewhere_leads_to_the_sign_in_page_and_back() -> None:
    async def scenario(visitor: Visitor) -> None:
        await visitor.sign_in()
        for path in ("/v1/notifications", "/v1/notifications/unread_count"):
            visitor.api.answers[f"GET {path}"] = problem(401, "token_expired")
        visitor.api.answers["POST /v1/sessions/refresh"] = problem(401, "invalid_refresh_token")
        answer = await visitor.get("/notifications?unread=1")
        assert answer.headers["Location"] == "/sign-in?next=/notifications?unread%3D1"
        assert answer.cookies[visitor.cookie_name("session")].value == "" == visitor.session
        page = await (await visitor.get(answer.headers["Location"])).text()
        assert "You were signed out. Please sign in again." in page

    run(scenario)


def test_the_api_hears_who_really_asks() -> None:
    async def scenario(visitor: Visitor) -> None:
        trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        answer = await visitor.get(
            "/", **{"X-Forwarded-For": "203.0.113.9", "User-Agent": "Firefox/140", "traceparent": trace}
        )
        for asked in visitor.api.asked:
            assert asked.headers["X-Forwarded-For"] == "203.0.113.9, 127.0.0.1"
            assert asked.headers["User-Agent"] == "Firefox/140"
            assert asked.headers["traceparent"] == trace
            assert asked.headers["X-Request-Id"] == answer.headers["X-Request-Id"]
            assert "Cookie" not in asked.headers

    run(scenario)


def test_strange_headers_of_a_visitor_break_nothing() -> None:
    async def scenario(visitor: Visitor) -> None:
        reader, writer = await asyncio.open_connection(visitor.http.host, visitor.http.port)
        writer.write(
            b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nUser-Agent: \xff\xfe\xe4\r\n"
            b"X-Forwarded-For: \xff\r\ntraceparent: \xe4\r\nCookie: session=\xff; flash=\xfe\r\n\r\n"
        )
        assert (await reader.read()).startswith(b"HTTP/1.1 200")
        writer.close()

    run(scenario)


def test_a_page_is_compressed_and_differs_by_cookie() -> None:
    async def scenario(visitor: Visitor) -> None:
        reader, writer = await asyncio.open_connection(visitor.http.host, visitor.http.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAccept-Encoding: gzip\r\n\r\n")
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        assert b"Content-Encoding: gzip" in head and b"Cookie" in head
        assert b"<!doctype html>" in gzip.decompress(body)
        writer.close()

    run(scenario)


def test_what_is_told_once_is_told_once() -> None:
    async def scenario(visitor: Visitor) -> None:
        answer = await visitor.post("/sign-out")
        assert SimpleCookie(answer.headers["Set-Cookie"])[visitor.cookie_name("flash")].value == "signed_out"
        assert "You are signed out." in await (await visitor.get("/")).text()
        assert "You are signed out." not in await (await visitor.get("/")).text()

    run(scenario)
