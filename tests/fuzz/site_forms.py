"""Every page and every form of the site, found by opening the pages."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode

import aiohttp

from tests.fuzz.market import FullMarket, long_text
from tests.website.support.html_forms import forms_of
from tests.website.support.market import Person
from website.http.page_request import Page
from website.pages import PAGES

FORM_BYTES = 64 * 1024
ROOM_FOR_THE_REST = 4 * 1024
LONGEST_TEXT = 4000
WORDS_OF_ADDRESSES = (
    "q",
    "category",
    "cursor",
    "currency",
    "min_price",
    "sort",
    "status",
    "role",
    "next",
    "tab",
)
PART = re.compile(r"\{(?P<name>\w+)(?::[^{}]*(?:\{[^{}]*\}[^{}]*)*)?\}")
POSTS = tuple(page for page in PAGES if page.method == "POST")
ENDS_A_SESSION = re.compile(r"/sign-out$|/settings/password$")


@dataclass(frozen=True)
class Post:
    """A form that can be sent."""

    path: str
    fields: Mapping[str, str]

    def variants(self) -> Iterator["Post"]:
        """Yields it unchanged, with all fields long, and with each field in turn as long as a form may be."""
        yield self
        yield replace(
            self, fields={name: long_text(LONGEST_TEXT // len(self.fields)) for name in self.fields}
        )
        for name in self.fields:
            for much in (
                "9" * (FORM_BYTES - ROOM_FOR_THE_REST),
                "[" * ((FORM_BYTES - ROOM_FOR_THE_REST) // 3),
            ):
                yield replace(self, fields={**self.fields, name: much})
        many = {f"n{number}": "" for number in range((FORM_BYTES - ROOM_FOR_THE_REST) // 8)}
        yield replace(self, fields={**self.fields, **many})


class Visitor:
    """A signed-in visitor of the site."""

    def __init__(self, market: FullMarket, http: aiohttp.ClientSession) -> None:
        self._site = market.site
        self._ids = market.ids
        self.http = http

    async def sign_in(self, person: Person) -> None:
        """Signs in by the form."""
        answer = await self.post(Post("/sign-in", {"email": person.email, "password": person.password}))
        assert answer == 303, answer

    async def get(self, path: str) -> tuple[int, str]:
        """Returns a page."""
        async with self.http.get(self._site + path, allow_redirects=False) as answer:
            if answer.content_type == "text/event-stream":
                return answer.status, ""
            return answer.status, (await answer.read()).decode(errors="replace")

    async def status(self, path: str) -> int:
        """Returns the status of a page."""
        status, _ = await self.get(path)
        assert status < 500, (status, path)
        return status

    async def post(self, post: Post) -> int:
        """Sends a form from a page of the site."""
        headers = {"Origin": self._site, "Content-Type": "application/x-www-form-urlencoded"}
        body = urlencode(post.fields).encode()
        async with self.http.post(
            self._site + post.path, data=body, headers=headers, allow_redirects=False
        ) as answer:
            await answer.read()
            assert answer.status < 500, (answer.status, post.path, [*post.fields.items()][:5])
            return answer.status

    async def forms(self) -> dict[str, Post]:
        """Returns one form of each kind on the pages, by its action."""
        found: dict[str, Post] = {}
        for path in self.paths():
            for form in forms_of((await self.get(path))[1]):
                fields = {**form.values, **{choice: "1" for choice in form.choices if choice}}
                place = next((page.path for page in POSTS if _fits(page, form.action or path)), None)
                if place is not None and fields and not ENDS_A_SESSION.search(place):
                    found.setdefault(place, Post(form.action or path, fields))
        return found

    def unseen(self, seen: Mapping[str, Post]) -> dict[str, Post]:
        """Returns the actions whose forms are on no page now, with every field that any form has."""
        names = sorted({name for post in seen.values() for name in post.fields})
        unseen = [page for page in POSTS if page.path not in seen and not ENDS_A_SESSION.search(page.path)]
        return {page.path: Post(self.path_of(page), dict.fromkeys(names, "1")) for page in unseen}

    def path_of(self, page: Page) -> str:
        """Returns the page's address with existing ids."""
        return re.sub(
            r"\{(\w+)[^{}]*(?:\{[^{}]*\}[^{}]*)*\}", lambda m: self._ids.get(m[1], "x" * 32), page.path
        )

    def paths(self) -> Iterator[str]:
        """Yields every page; those of orders for an open and a completed one."""
        for page in PAGES:
            if page.method == "GET" and not page.is_stream:
                path = self.path_of(page)
                yield path
                if self._ids["order_id"] in path:
                    yield path.replace(self._ids["order_id"], self._ids["done_order_id"])

    def longest_addresses(self) -> Iterator[str]:
        """Yields every page unchanged, and with a query as long as a request line allows."""
        query = "&".join(f"{word}={'%5B' * 280}" for word in WORDS_OF_ADDRESSES)
        for path in self.paths():
            yield path
            yield f"{path}?{query}"


def _fits(page: Page, path: str) -> bool:
    return re.fullmatch(PART.sub("[^/]+", page.path), path.partition("?")[0]) is not None
