"""A browser without scripts, at a process of the site before a real marketplace."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
from aiohttp.test_utils import make_mocked_request

from client import MarketplaceClient
from tests.embedded.dev_process import DevProcess
from website.app import listening
from website.security.account_signatures import ANONYMOUS, OWNER_FIELD, AccountSigner
from website.security.sessions import Person, SessionCookies
from website.settings import WebSettings

SECRET = "a-secret-of-two-sites"
PASSWORD = "correct-lantern-77"


@contextlib.asynccontextmanager
async def site_before(api_url: str) -> AsyncIterator[str]:
    """A process of the site, as far as the outside sees."""
    settings = WebSettings(api_url=api_url, web_port=0, web_secret=SECRET, web_drain_seconds=1.0)
    async with listening(settings) as runner:
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"


class Browser:
    """Cookies and an address bar."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self.http = http
        self.site = ""

    @property
    def session(self) -> str:
        kept = {cookie.key: cookie.value for cookie in self.http.cookie_jar}
        return kept.get(self.cookie_name, "")

    @property
    def cookie_name(self) -> str:
        return f"session-{self.site.rpartition(':')[2]}"

    @property
    def person(self) -> Person:
        return unsealed(self.session)

    async def get(self, path: str, **headers: str) -> aiohttp.ClientResponse:
        return await self.http.get(self.site + path, headers=headers, allow_redirects=False)

    async def post(self, path: str, **fields: str) -> aiohttp.ClientResponse:
        origin = {"Origin": self.site}
        owner = AccountSigner((SECRET,)).sign_field(self.person.id if self.session else ANONYMOUS)
        sent = {OWNER_FIELD: owner, **fields}
        return await self.http.post(self.site + path, data=sent, headers=origin, allow_redirects=False)

    async def sign_up(self) -> None:
        email = f"{secrets.token_hex(8)}@example.com"
        answer = await self.post("/sign-up", display_name="Ada", email=email, password=PASSWORD)
        assert answer.status == 303


def unsealed(cookie: str) -> Person:
    request = make_mocked_request("GET", "/", headers={"Cookie": f"session={cookie}"})
    person = SessionCookies((SECRET,), False).read(request)
    assert person is not None
    return person


@contextlib.asynccontextmanager
async def browsing(site: str) -> AsyncIterator[Browser]:
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as http:
        browser = Browser(http)
        browser.site = site
        await browser.sign_up()
        yield browser


def run(market: DevProcess, scenario: Callable[[Browser], Awaitable[None]]) -> None:
    async def main() -> None:
        async with site_before(market.url) as site, browsing(site) as browser:
            await scenario(browser)

    asyncio.run(main())


async def ordered(market: DevProcess, browser: Browser) -> tuple[MarketplaceClient, str]:
    """Somebody orders a service of the browser's person."""
    provider, customer = MarketplaceClient(market.url), MarketplaceClient(market.url)
    provider.connection.use(browser.person.as_session())
    price: Any = {"amount": 4500, "currency": "EUR"}
    service = await provider.post_service(
        "A page of text, proofread", "Read twice, every slip marked.", "writing", price, 3, 1
    )
    email = f"{secrets.token_hex(8)}@example.com"
    await customer.register_account(email, PASSWORD, "Olivia")
    await customer.sign_in(email, PASSWORD)
    order = await customer.submit_order(service["id"], "One page.")
    await provider.close()
    return customer, order["id"]


# --- every page
