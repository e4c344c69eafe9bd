"""What every answer of the site has, shown without an API."""

import asyncio

from aiohttp.test_utils import TestClient, TestServer

from tests.website.support.fake_api import SECRET, Visitor, problem, run
from website.app import build_app
from website.settings import WebSettings


def test_a_redirect_reaches_browsers_that_ask_for_compression() -> None:
    async def ask() -> None:
        async with TestClient(TestServer(build_app(WebSettings(web_secret=SECRET)))) as client:
            for accepted in ("gzip, deflate, br, zstd", "deflate", "identity"):
                answer = await client.get(
                    "/live/bell", headers={"Accept-Encoding": accepted}, allow_redirects=False
                )
                assert (answer.status, await answer.read()) == (303, b"")
                assert answer.headers["Location"] == "/sign-in?next=/live/bell"
                assert "Content-Encoding" not in answer.headers

    asyncio.run(ask())


def test_a_stream_ends_for_good_for_somebody_who_is_signed_out() -> None:
    async def ask() -> None:
        async with TestClient(TestServer(build_app(WebSettings(web_secret=SECRET)))) as client:
            answer = await client.get("/live/events", allow_redirects=False)
            assert (answer.status, answer.cookies) == (204, {})

    asyncio.run(ask())


def test_the_bell_tells_somebody_signed_out_elsewhere_from_an_api_that_is_away() -> None:
    async def scenario(visitor: Visitor) -> None:
        await visitor.sign_in()
        visitor.api.answers["GET /v1/notifications/unread_count"] = problem(503, "unavailable")
        assert (await visitor.get("/live/bell")).status == 200
        visitor.api.answers["GET /v1/notifications/unread_count"] = problem(401, "session_revoked")
        answer = await visitor.get("/live/bell", **{"X-Live": "1"})
        assert (answer.status, answer.headers["Location"]) == (303, "/sign-in?next=/live/bell")
        assert visitor.cookies == {}

    run(scenario)
