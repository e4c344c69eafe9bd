"""Visitors of a real marketplace: one session for all tabs and processes, streams that come and go."""

import asyncio
import contextlib
from collections.abc import Iterator

import aiohttp
import pytest

from client import MarketplaceClient
from tests.embedded.dev_process import DevProcess
from tests.website.support.real_site import Browser, browsing, ordered, run, site_before, unsealed

TOKEN_SECONDS = 32  # clients renew a token in its last 30 seconds


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevProcess]:
    settings = {"ACCESS_TOKEN_SECONDS": str(TOKEN_SECONDS)}
    with DevProcess(tmp_path_factory.mktemp("market"), **settings) as market:
        yield market


async def grow_old() -> None:
    """Until the access token is about to expire."""
    await asyncio.sleep(TOKEN_SECONDS - 30 + 0.5)


def test_a_session_is_renewed_once_for_all_tabs_and_all_processes(market: DevProcess) -> None:
    async def scenario(browser: Browser) -> None:
        async with site_before(market.url) as other_site:
            old = browser.session
            own_name, other_name = browser.cookie_name, f"session-{other_site.rpartition(':')[2]}"
            await grow_old()
            cookie = {"Cookie": f"{browser.cookie_name}={old}; {other_name}={old}"}
            async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as tabs:
                sites = [browser.site, other_site] * 4
                answers = await asyncio.gather(
                    *(tabs.get(site + "/settings", headers=cookie, allow_redirects=False) for site in sites)
                )
                assert [answer.status for answer in answers] == [200] * 8
                renewed = {
                    unsealed(cookie.value).refresh_token
                    for answer in answers
                    for cookie in answer.cookies.values()
                }
                assert len(renewed) == 1 and renewed != {unsealed(old).refresh_token}
                later = {"Cookie": f"{other_name}={answers[0].cookies[own_name].value}"}
                again = await tabs.get(other_site + "/settings", headers=later, allow_redirects=False)
                assert again.status == 200, "nobody is signed out"

    run(market, scenario)


def test_a_stream_that_comes_back_renews_the_session(market: DevProcess) -> None:
    async def scenario(browser: Browser) -> None:
        await grow_old()
        old = browser.person
        answer = await browser.get("/live/events")
        assert (answer.status, answer.content_type) == (200, "text/event-stream")
        assert await answer.content.readline() == b"retry: 2000\n"
        answer.close()
        assert browser.person.refresh_token != old.refresh_token
        assert (await browser.get("/settings")).status == 200

    run(market, scenario)


def test_signed_out_elsewhere_one_comes_to_the_sign_in_page_and_streams_end(market: DevProcess) -> None:
    async def scenario(browser: Browser) -> None:
        stream = await browser.get("/live/events")
        async with MarketplaceClient(market.url) as elsewhere:
            elsewhere.connection.use(browser.person.as_session())
            await elsewhere.sign_out_everywhere()
        await asyncio.wait_for(stream.content.read(), 10)  # ends
        assert (await browser.get("/live/events")).status == 204
        answer = await browser.get("/settings")
        assert (answer.status, answer.headers["Location"]) == (303, "/sign-in?next=/settings")
        assert browser.session == ""

    run(market, scenario)


def test_sign_out_everywhere_signs_out_here_too(market: DevProcess) -> None:
    async def scenario(browser: Browser) -> None:
        answer = await browser.post("/settings/sessions/everywhere/sign-out")
        assert answer.headers["Location"] == "/sign-in" and browser.session == ""

    run(market, scenario)


async def _event(stream: aiohttp.ClientResponse) -> dict[str, str]:
    """The next event of a stream."""
    while True:
        fields: dict[str, str] = {}
        while line := (await asyncio.wait_for(stream.content.readline(), 20)).decode().strip():
            name, _, value = line.partition(": ")
            fields[name] = value
        if "event" in fields:
            return fields


def test_events_pass_with_their_ids_and_are_replayed_to_whoever_comes_back(market: DevProcess) -> None:
    async def scenario(browser: Browser) -> None:
        stream = await browser.get("/live/events")
        customer, order_id = await ordered(market, browser)
        first = await _event(stream)
        assert first["id"] and first["event"] in ("order.transitioned", "notification.created")
        assert order_id in first["data"]
        stream.close()
        await customer.post_message(order_id, "When will it be ready?")
        again = await browser.get("/live/events", **{"Last-Event-ID": first["id"]})
        while (event := await _event(again))["event"] != "message.created":
            pass
        assert order_id in event["data"]
        again.close()
        await customer.close()

    run(market, scenario)


def test_many_quick_navigations_leave_no_streams_behind(market: DevProcess) -> None:
    async def scenario(browser: Browser) -> None:
        for _ in range(40):  # an account may have ten
            answer = await browser.get("/live/events")
            assert answer.status == 200
            answer.close()
        for _ in range(30):  # left before it began
            with contextlib.suppress(TimeoutError):
                (await asyncio.wait_for(browser.get("/live/events"), 0.002)).close()
        await asyncio.sleep(0.5)
        streams = [await browser.get("/live/events") for _ in range(10)]
        assert [stream.status for stream in streams] == [200] * 10
        assert (await browser.get("/live/events")).status == 429

    run(market, scenario)


def test_a_stream_ends_when_its_site_stops(market: DevProcess) -> None:
    async def main() -> None:
        async with contextlib.AsyncExitStack() as stack:
            site = await stack.enter_async_context(site_before(market.url))
            async with browsing(site) as browser:
                stream = await browser.get("/live/events")
                closing = asyncio.create_task(stack.aclose())
                with contextlib.suppress(aiohttp.ClientPayloadError):
                    await asyncio.wait_for(stream.content.read(), 5)
                await asyncio.wait_for(closing, 5)

    asyncio.run(main())
