"""The site responds to any form and any address, and never with a 5xx.

The forms are those on the pages of a customer, a provider and staff, with all their fields. Few of each,
always the same; `make fuzz` sends others, and more: FUZZ_ROUNDS and FUZZ_SEED say how many and which.
"""

import asyncio
import contextlib
import os
import secrets
from collections.abc import AsyncIterator
from random import Random

import aiohttp
import pytest

from tests.fuzz.market import FullMarket
from tests.fuzz.odd_forms import FORM, Sent, odd_form, odd_query
from tests.fuzz.site_forms import WORDS_OF_ADDRESSES, Post, Visitor
from tests.website.support.html_forms import forms_of
from tests.website.support.market import Person

pytestmark = pytest.mark.xdist_group("full_market")

FEW_ROUNDS = 4
ROUNDS = int(os.environ.get("FUZZ_ROUNDS", FEW_ROUNDS))
SEED = int(os.environ.get("FUZZ_SEED", secrets.randbelow(2**32) if ROUNDS > FEW_ROUNDS else 0))
ANSWER = aiohttp.ClientTimeout(total=30.0)
WORDS = (
    *WORDS_OF_ADDRESSES,
    "max_price",
    "min_rating",
    "provider_id",
    "service_id",
    "before",
    "until",
    "unread",
)


class Sender:
    """A visitor who sends anything; `found` lists the requests that failed."""

    def __init__(self, market: FullMarket, http: aiohttp.ClientSession) -> None:
        self._site = market.site
        self._http = http
        self.visitor = Visitor(market, http)
        self.random = Random(SEED)
        self.sent = 0
        self.found: list[str] = []

    async def send(self, path: str, sent: Sent) -> int:
        """Sends one form; returns the status."""
        headers = {"Origin": self._site, **sent.headers}
        return await self._ask("POST", path, sent.body, headers)

    async def ask(self, path: str) -> int:
        """Requests one page; returns the status."""
        return await self._ask("GET", path, None, {})

    async def _ask(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> int:
        self.sent += 1
        async with self._http.request(
            method, self._site + path, headers=headers, allow_redirects=False, data=body
        ) as answer:
            await answer.read()
            if answer.status >= 500 or "X-Injected" in answer.headers:
                self.found.append(
                    f"seed {SEED}: {answer.status} {method} {path} {headers} {(body or b'')[:300]!r}"
                )
            return answer.status


@contextlib.asynccontextmanager
async def sending(market: FullMarket, person: Person | None) -> AsyncIterator[Sender]:
    """Returns a visitor signed in as that account, or signed out when None."""
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(timeout=ANSWER, max_field_size=65536, cookie_jar=jar) as http:
        sender = Sender(market, http)
        if person is not None:
            await sender.visitor.sign_in(person)
        yield sender
        assert (await sender.visitor.get("/help"))[0] == 200


@pytest.mark.parametrize("role", ["nobody", "customer", "provider", "staff"])
def test_no_form_and_no_address_makes_the_site_fail(full_market: FullMarket, role: str) -> None:
    async def walk() -> Sender:
        async with sending(full_market, getattr(full_market, role, None)) as sender:
            forms = await sender.visitor.forms()
            if role != "nobody":
                forms |= {
                    place: Post(post.path, {**post.fields, "_owner": owner_in(forms)})
                    for place, post in sender.visitor.unseen(forms).items()
                }
            for post in forms.values():
                for _ in range(ROUNDS):
                    await sender.send(post.path, odd_form(sender.random, post.fields))
            for path in sender.visitor.paths():
                for _ in range(ROUNDS // 4):
                    await sender.ask(f"{path}?{odd_query(sender.random, WORDS)}")
            return sender

    sender = asyncio.run(walk())
    assert sender.sent > 8 * ROUNDS
    assert sender.found == []


def test_no_form_that_ends_a_session_makes_the_site_fail(full_market: FullMarket) -> None:
    async def walk() -> Sender:
        async with sending(full_market, full_market.leaver) as sender:
            _, page = await sender.visitor.get("/settings")
            forms = {form.action: form.values for form in forms_of(page) if form.action}
            assert {"/sign-out", "/settings/password"} < {*forms}
            for path, fields in forms.items():
                for _ in range(ROUNDS // 2):
                    await sender.send(path, odd_form(sender.random, fields))
                    if (await sender.visitor.get("/settings"))[0] != 200:
                        await sender.visitor.sign_in(full_market.leaver)
            return sender

    assert asyncio.run(walk()).found == []


def test_signing_in_and_up_takes_anything(full_market: FullMarket) -> None:
    async def walk() -> Sender:
        async with sending(full_market, None) as sender:
            for path in ("/sign-in", "/sign-up", "/sign-in?next=//x", "/sign-up?next=%0d%0aX-Injected:1"):
                _, page = await sender.visitor.get(path)
                fields = max((form.values for form in forms_of(page)), key=len)
                for _ in range(ROUNDS):
                    await sender.send(path, odd_form(sender.random, fields))
            return sender

    assert asyncio.run(walk()).found == []


def test_the_odd_forms_are_of_every_kind() -> None:
    random = Random(0)
    sent = [odd_form(random, {"_owner": "o", "a": "b"}) for _ in range(300)]
    assert {len(form.body) > 65_536 for form in sent} == {True, False}
    assert any("Content-Encoding" in form.headers for form in sent)
    assert len({form.headers["Content-Type"] for form in sent}) > 5
    assert any(form.headers["Content-Type"] == FORM and b"_owner=o" in form.body for form in sent)


def owner_in(forms: dict[str, Post]) -> str:
    """Returns the owner's field of a form, as forms on pages have it."""
    return next(post.fields["_owner"] for post in forms.values() if "_owner" in post.fields)
