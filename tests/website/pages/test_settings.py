"""Settings and notifications before a real marketplace; and what every page keeps to."""

import asyncio
import gzip
import re
import secrets
from collections.abc import Iterator

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from client import MarketplaceClient, Problem
from tests.embedded.dev_process import DevProcess
from tests.website.support.real_site import PASSWORD, Browser, ordered, run, site_before

LARGEST_PAGE_BYTES = 60 * 1024


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevProcess]:
    settings = {"TRUSTED_PROXIES": "127.0.0.0/8"}
    with DevProcess(tmp_path_factory.mktemp("market"), **settings) as market:
        yield market


def test_settings_change_what_the_next_page_shows(market: DevProcess) -> None:
    async def scenario(browser: Browser) -> None:
        page = await (await browser.get("/settings")).text()
        key = re.findall(r'action="/settings/profile".*?value="([0-9a-f]{32})"', page, re.DOTALL)[0]
        changes = {"bio": "I read.\r\nTwice.", "time_zone": "Europe/Berlin", "locale": "de"}
        for _ in range(2):  # sent twice
            answer = await browser.post("/settings/profile", _key=key, display_name="Ada L.", **changes)
            assert answer.headers["Location"] == "/settings"
        page = await (await browser.get("/settings")).text()
        assert "Ihr Profil ist gespeichert." in page and "I read.\nTwice.</textarea>" in page
        assert '<option value="Europe/Berlin" selected>' in page and '<option value="de" selected>' in page
        assert browser.person.display_name == "Ada L." and browser.person.time_zone == "Europe/Berlin"

    run(market, scenario)


def test_a_wrong_password_is_said_at_its_field_and_a_form_sent_twice_changes_it_once(
    market: DevProcess,
) -> None:
    async def scenario(browser: Browser) -> None:
        answer = await browser.post(
            "/settings/password", current_password="wrong", new_password=PASSWORD + "x"
        )
        page = await answer.text()
        assert answer.status == 422 and 'id="current_password-error"' in page
        fields = {"_key": "0" * 32, "current_password": PASSWORD, "new_password": PASSWORD + "x"}
        answers = await asyncio.gather(*(browser.post("/settings/password", **fields) for _ in range(2)))
        assert [answer.status for answer in answers] == [303, 303]
        assert "Your password is changed." in await (await browser.get("/settings")).text()

    run(market, scenario)


def test_one_place_is_signed_out_and_the_address_is_the_visitors(market: DevProcess) -> None:
    async def scenario(browser: Browser) -> None:
        email = f"{secrets.token_hex(8)}@example.com"
        async with MarketplaceClient(market.url, headers={"User-Agent": "curl/8"}) as phone:
            await phone.register_account(email, PASSWORD, "Ada")
            await phone.sign_in(email, PASSWORD)
            headers = {"Origin": browser.site, "X-Forwarded-For": "203.0.113.9"}
            headers["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
            await browser.http.post(browser.site + "/sign-out", headers=headers)
            fields = {"email": email, "password": PASSWORD}
            await browser.http.post(browser.site + "/sign-in", data=fields, headers=headers)
            page = await (await browser.get("/settings")).text()
            assert "Firefox on Linux" in page and "203.0.113.9" in page and "A program (curl)" in page
            (place,) = set(re.findall(r'action="(/settings/sessions/[0-9a-f-]{36}/sign-out)"', page))
            assert (await browser.post(place)).status == 303
            assert (await browser.post(place)).status == 303, "signed out already"
            assert "A program (curl)" not in await (await browser.get("/settings")).text()

    run(market, scenario)


def test_strangers_who_guess_a_password_lock_themselves_out_and_their_target_sees_it(
    market: DevProcess,
) -> None:
    async def scenario(browser: Browser) -> None:
        async with MarketplaceClient(market.url) as me:
            me.connection.use(browser.person.as_session())
            email = (await me.me())["email"]
        stranger = {"X-Forwarded-For": "198.51.100.66", "User-Agent": "guesser/1"}
        async with MarketplaceClient(market.url, 0.0, headers=stranger) as guessing:
            codes = []
            for _ in range(12):
                with pytest.raises(Problem) as refused:
                    await guessing.sign_in(email, "not the password")
                codes.append(refused.value.code)
            with pytest.raises(Problem) as refused:
                await guessing.sign_in(email, PASSWORD)
        assert codes == ["invalid_credentials"] * 10 + ["too_many_sign_ins"] * 2
        assert refused.value.code == "too_many_sign_ins"
        page = await (await browser.get("/settings")).text()
        assert "Locked out after many wrong passwords" in page and "guesser, 198.51.100.66" in page
        # the same network, but a browser that signed in before
        await browser.post("/sign-out")
        headers = {"Origin": browser.site, "X-Forwarded-For": "198.51.100.66"}
        fields = {"email": email, "password": PASSWORD}
        answer = await browser.http.post(
            browser.site + "/sign-in", data=fields, headers=headers, allow_redirects=False
        )
        assert answer.status == 303

    run(market, scenario)


def test_preferences_are_boxes_that_stay_as_they_were_ticked(market: DevProcess) -> None:
    async def scenario(browser: Browser) -> None:
        ticked = {"order_updates.in_app": "yes", "reviews.email": "yes"}
        await browser.post("/settings/notifications", **ticked)
        page = await (await browser.get("/settings")).text()
        boxes = re.findall(r'<input type="checkbox" name="([\w.]+)"[^>]*?( checked)?>', page)
        assert {name for name, checked in boxes if checked} == set(ticked) and len(boxes) == 8

    run(market, scenario)


def test_opening_a_notification_marks_it_read_and_leads_to_itsordered(market: DevProcess) -> None:
    async def scenario(browser: Browser) -> None:
        customer, order_id = await ordered(market, browser)
        await customer.close()
        page = ""
        while "would like to order" not in page:
            page = await (await browser.get("/notifications?unread=1")).text()
        opening = re.findall(r'action="(/notifications/[^"]+/open)"', page)[0]
        for _ in range(2):
            assert (await browser.post(opening)).headers["Location"] == f"/orders/{order_id}"
        assert "You have read everything." in await (await browser.get("/notifications?unread=1")).text()
        assert "would like to order" in await (await browser.get("/notifications")).text()
        assert (await browser.post("/notifications/read-all")).headers["Location"] == "/notifications"

    run(market, scenario)


PLACES = (
    "/", "/services", "/services?q=text", "/orders", "/orders?role=provider", "/messages", "/dashboard",
    "/dashboard/services", "/dashboard/services/new", "/notifications", "/settings", "/help",
)  # fmt: skip


async def _places(market: DevProcess, browser: Browser) -> list[str]:
    customer, order_id = await ordered(market, browser)
    order = await customer.order(order_id)
    await customer.close()
    return [
        *PLACES,
        f"/orders/{order_id}",
        f"/services/{order['service']['id']}",
        f"/profiles/{browser.person.id}",
    ]


def test_no_page_is_heavy_and_none_tells_a_token(market: DevProcess) -> None:
    async def scenario(browser: Browser) -> None:
        sizes: dict[str, int] = {}
        for place in await _places(market, browser):
            answer = await browser.get(place)
            page = await answer.read()
            assert answer.status == 200, place
            person = browser.person
            assert person.access_token.encode() not in page and person.refresh_token.encode() not in page
            sizes[place] = len(gzip.compress(page, 6))
            for path in set(re.findall(rb'(?:href|src)="(/static/[^"]+\.(?:css|js))"', page)):
                sizes[place] += len(gzip.compress(await (await browser.get(path.decode())).read(), 9))
        assert {place: size for place, size in sizes.items() if size > LARGEST_PAGE_BYTES} == {}

    run(market, scenario)
    assert "eyJ" not in market.output(), "no token in any log"


class Waves:
    """A proxy that answers only once nobody asks any more: what is asked together comes in one wave."""

    def __init__(self, api_url: str) -> None:
        self.api_url = api_url
        self.count = 0
        self._asking = 0
        self._open = asyncio.Event()
        self._last = 0.0

    async def pass_on(self, request: web.Request) -> web.StreamResponse:
        if request.method == "GET":  # what is read is marked so after the answer, which waits for nothing
            await self._wave()
        headers = {name: value for name, value in request.headers.items() if name.lower() != "host"}
        async with (
            aiohttp.ClientSession(auto_decompress=False) as http,
            http.request(
                request.method, self.api_url + request.path_qs, headers=headers, data=await request.read()
            ) as answer,
        ):
            kept = {"Content-Type", "ETag", "Link", "Retry-After"}
            told = {name: value for name, value in answer.headers.items() if name in kept}
            return web.Response(status=answer.status, headers=told, body=await answer.read())

    async def _wave(self) -> None:
        wave = self._open
        self._asking += 1
        mine = self._asking
        await asyncio.sleep(0.15)
        if self._open is wave and mine == self._asking:
            self.count += 1
            self._open, self._asking = asyncio.Event(), 0
            wave.set()
        await wave.wait()


STEPS = {"/services/": 2}  # the provider of a service is known from the service only


def test_the_calls_of_a_page_are_made_in_parallel(market: DevProcess) -> None:
    async def scenario(browser: Browser) -> None:
        waves = Waves(market.url)
        proxy = web.Application()
        proxy.router.add_route("*", "/{rest:.*}", waves.pass_on)
        async with TestServer(proxy) as server, site_before(str(server.make_url("/"))) as slow_site:
            places = await _places(market, browser)
            steps = {}
            cookie = {"Cookie": f"session-{slow_site.rpartition(':')[2]}={browser.session}"}
            for place in places:
                waves.count = 0
                answer = await browser.http.get(slow_site + place, headers=cookie, allow_redirects=False)
                assert answer.status == 200, place
                steps[place] = waves.count
        wanted = {
            place: next((n for part, n in STEPS.items() if place.startswith(part)), 1) for place in places
        }
        assert steps == wanted

    run(market, scenario)
