"""No request blocks the event loop for long, because all clients share it."""

import asyncio
import contextlib
import functools
import json
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.fuzz.largest import Sent, requests_of
from tests.fuzz.market import FullMarket
from tests.fuzz.site_forms import Post, Visitor
from tests.support.codebase import ROOT
from tests.website.support.market import Person

pytestmark = pytest.mark.xdist_group("full_market")

LONGEST_BLOCK_SECONDS = 0.05
TRIES = 3  # a code path's first run, and a slow moment of the machine, are nobody's request
FOR_WHOM_IT_ENDS = ("close_session", "close_all_sessions", "change_password")
ANSWER = aiohttp.ClientTimeout(total=60.0)


Send = Callable[[], Awaitable[int]]


class Watch:
    """Records which of several actions blocked the loop."""

    def __init__(self, market: FullMarket) -> None:
        self._market = market
        self._offset = 0
        self.done = 0
        self.slow: list[str] = []

    async def send(self, what: str, send: Send) -> None:
        """Runs an action, again if it blocked the loop, and records it when it always does."""
        found = []
        for _ in range(TRIES):
            await send()
            self.done += 1
            blocked, self._offset = self._market.measured.blocked(self._offset)
            found.append(max(blocked, default=(0.0, "")))
            if found[-1][0] <= LONGEST_BLOCK_SECONDS:
                return
        seconds, callback = min(found)
        self.slow.append(f"{seconds * 1000:.0f} ms: {what} {callback}")


class Sender:
    """Sends requests to the API."""

    def __init__(self, market: FullMarket, http: aiohttp.ClientSession) -> None:
        self._market = market
        self._http = http

    async def document(self) -> dict[str, Any]:
        """Returns the OpenAPI document."""
        async with self._http.get(f"{self._market.process.url}/openapi.json") as answer:
            document: dict[str, Any] = await answer.json()
            return document

    async def send(self, sent: Sent, person: Person | None) -> int:
        """Sends one request; returns the status."""
        headers = {**sent.headers, "Content-Type": "application/json"}
        if "Idempotency-Key" in headers:
            headers["Idempotency-Key"] = secrets.token_hex(100)
        if person is not None:
            headers["Authorization"] = f"Bearer {self._market.token(person)}"
        address = self._market.process.url + sent.path
        async with self._http.request(
            sent.method, address, params=sent.query, headers=headers, data=sent.body
        ) as answer:
            if answer.content_type != "text/event-stream":
                await answer.read()
            assert answer.status < 500, (answer.status, sent.method, sent.path)
            return answer.status


def callers(market: FullMarket, name: str) -> Iterable[Person | None]:
    """Returns the senders of a request: both parties, because either may be the one who may send it."""
    if name in FOR_WHOM_IT_ENDS:
        return (market.leaver,)
    return (market.customer, market.provider, None) if name == "search_services" else market.parties


def test_a_callback_that_takes_long_is_seen(tmp_path: Path) -> None:
    """Without this the tests below would prove nothing."""
    program = (
        "import asyncio, os, time\n"
        "from tests.fuzz.measured_process import measure\n"
        f"measure(os.open({str(tmp_path / 'blocking_log')!r}, os.O_WRONLY | os.O_CREAT))\n"
        "async def block():\n"
        "    end = time.thread_time() + 0.06\n"
        "    while time.thread_time() < end: pass\n"
        "asyncio.new_event_loop().run_until_complete(block())\n"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], check=True, cwd=ROOT, timeout=60)
    (line,) = (tmp_path / "blocking_log").read_text().splitlines()
    assert json.loads(line)["seconds"] >= LONGEST_BLOCK_SECONDS


def test_no_request_at_its_largest_blocks_the_loop(full_market: FullMarket) -> None:
    async def walk(watch: Watch) -> None:
        async with aiohttp.ClientSession(timeout=ANSWER, max_field_size=65536) as http:
            sender = Sender(full_market, http)
            for sent in requests_of(await sender.document(), full_market.ids):
                for person in callers(full_market, sent.name):
                    what = f"{sent.method} {sent.path}"
                    await watch.send(what, functools.partial(sender.send, sent, person))

    watch = Watch(full_market)
    asyncio.run(walk(watch))
    assert watch.done > 500
    assert watch.slow == []


def test_no_page_and_no_form_of_the_site_at_its_largest_blocks_the_loop(full_market: FullMarket) -> None:
    seen: dict[str, Post] = {}

    async def send(watch: Watch, visitor: Visitor, forms: Iterable[Post]) -> None:
        for post in (variant for form in forms for variant in form.variants()):
            what = f"POST {post.path} {[(name, len(text)) for name, text in post.fields.items()][:20]}"
            await watch.send(what, functools.partial(visitor.post, post))

    async def walk(watch: Watch) -> None:
        for person in (None, *full_market.parties):
            async with visiting(full_market, person) as visitor:
                for path in visitor.longest_addresses():
                    await watch.send(f"GET {path[:200]}", functools.partial(visitor.status, path))
                more = {place: form for place, form in (await visitor.forms()).items() if place not in seen}
                await send(watch, visitor, more.values())
                seen.update(more)
        async with visiting(full_market, full_market.customer) as visitor:
            await send(watch, visitor, visitor.unseen(seen).values())

    watch = Watch(full_market)
    asyncio.run(walk(watch))
    assert len(seen) > 5 and watch.done > 250
    assert watch.slow == []


@contextlib.asynccontextmanager
async def visiting(market: FullMarket, person: Person | None) -> AsyncIterator[Visitor]:
    """Returns a visitor signed in as that account, or signed out when None."""
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(timeout=ANSWER, max_field_size=65536, cookie_jar=jar) as http:
        visitor = Visitor(market, http)
        if person is not None:
            await visitor.sign_in(person)
        yield visitor
