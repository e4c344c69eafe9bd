"""People who use the site without a script: they open pages, fill in forms and follow links."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import urljoin
from uuid import uuid4

import aiohttp

from tests.journeys import walk
from tests.website.support.html_forms import forms_of

PAGE_SECONDS = 20.0
PAUSE_SECONDS = 0.1
VIEWERS = 2


class Visitor:
    """One browser. `page` is what it shows, `path` where that is; every page must be a good one."""

    def __init__(self, site: str, headers: Mapping[str, str] | None = None) -> None:
        self.site = site
        self.page, self.path = "", "/"
        self.email = f"{uuid4().hex[:16]}@example.com"
        jar = aiohttp.CookieJar(unsafe=True)  # an address of numbers may keep cookies too
        timeout = aiohttp.ClientTimeout(PAGE_SECONDS)
        self.http = aiohttp.ClientSession(cookie_jar=jar, timeout=timeout, headers=headers)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.http.close()

    async def open(self, path: str) -> str:
        """Goes to a page and gives back its text."""
        async with self.http.get(self.site + path) as answer:
            return await self._take(answer, 200)

    async def send(self, action: str, expected: int = 200, **typed: str) -> str:
        """Fills in the form of this page that goes to `action`, and sends it; the page that follows.

        A `transition` is not typed: it says which of an order's forms is meant.
        """
        forms = [form for form in forms_of(self.page) if form.action.partition("?")[0] == action]
        forms = [form for form in forms if form.values.get("transition") == typed.get("transition")]
        assert forms, f"{self.path} has no form that goes to {action}\n{self.page}"
        assert set(typed) <= {*forms[0].values, *forms[0].choices}, forms[0]
        url = urljoin(self.site + self.path, forms[0].action)
        sent = {**forms[0].values, **typed}
        async with self.http.post(url, data=sent, headers={"Origin": self.site}) as answer:
            return await self._take(answer, expected)

    async def _take(self, answer: aiohttp.ClientResponse, expected: int) -> str:
        self.page, self.path = await answer.text(), answer.url.path
        assert answer.status == expected, f"{answer.method} {answer.url}: {answer.status}\n{self.page}"
        return self.page

    async def sign_up(self, name: str) -> None:
        """Makes an account, which signs it in."""
        await self.open("/sign-up")
        await self.send("/sign-up", email=self.email, password=walk.PASSWORD, display_name=name)
        assert self.is_signed_in

    async def sign_in(self) -> None:
        """Opens a session."""
        await self.open("/sign-in?next=/services")
        await self.send("/sign-in", email=self.email, password=walk.PASSWORD)
        assert self.is_signed_in and self.path == "/services"

    async def sign_out(self) -> None:
        """Closes it."""
        await self.send("/sign-out")
        assert not self.is_signed_in

    @property
    def is_signed_in(self) -> bool:
        """Whether the page knows who looks at it."""
        return 'action="/sign-out"' in self.page


@dataclass
class Views:
    """What the visitors have seen so far."""

    pages: int = 0
    forms: int = 0


@asynccontextmanager
async def page_views(site: str) -> AsyncIterator[Views]:
    """Visitors look around, signed in or not, and one sends form after form, until the block ends.

    Every page and every form gets one chance: the first that does not work fails the test.
    """
    views, enough = Views(), asyncio.Event()
    async with Visitor(site) as somebody, asyncio.TaskGroup() as group:
        await somebody.sign_up("Vera Visitor")
        for _ in range(VIEWERS):
            group.create_task(_look_around(enough, site, views))
        group.create_task(_look_around_signed_in(enough, somebody, views))
        group.create_task(_rename(enough, site, somebody.email, views))
        yield views
        enough.set()


async def _look_around(enough: asyncio.Event, site: str, views: Views) -> None:
    async with Visitor(site) as visitor:
        while not enough.is_set():
            for path in ("/", "/services", "/help"):
                await visitor.open(path)
                views.pages += 1
                await asyncio.sleep(PAUSE_SECONDS)


async def _look_around_signed_in(enough: asyncio.Event, visitor: Visitor, views: Views) -> None:
    while not enough.is_set():
        await visitor.open("/services?sort=newest")
        assert visitor.is_signed_in, "any process of the site knows its visitors"
        views.pages += 1
        await asyncio.sleep(PAUSE_SECONDS)


async def _rename(enough: asyncio.Event, site: str, email: str, views: Views) -> None:
    async with Visitor(site) as visitor:
        visitor.email = email
        await visitor.sign_in()
        while not enough.is_set():
            await visitor.open("/settings")
            name = f"Vera {uuid4().hex[:8]}"
            assert name in await visitor.send("/settings/profile", display_name=name)
            views.forms += 1
            await asyncio.sleep(PAUSE_SECONDS)
