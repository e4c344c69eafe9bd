"""How long pages take beside their slowest API call: `make page-times` at a marketplace with demo data.

The marketplace has to allow many requests (`REQUEST_LIMIT_PER_MINUTE=100000`). The site runs within
this process, so each call of a page can be timed as the page makes it. Read the difference, not the
times: the machine's noise is in both.
"""

import asyncio
import statistics
import sys
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import aiohttp
import structlog
from aiohttp.test_utils import TestClient, TestServer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from cli.demo.people import CUSTOMERS, PASSWORD, PROVIDERS
from client import MarketplaceClient, Unreachable
from kit.settings import load
from website.app import build_app
from website.http.middleware import SITE
from website.settings import WebSettings
from website.site import API_SECONDS

ROUNDS, WARM_UP = 40, 3
ALLOWED_MILLISECONDS = 15.0


class Calls:
    """The API calls of the page under way: how long each took, in milliseconds."""

    def __init__(self) -> None:
        self.taken: list[float] = []
        self.tracing = aiohttp.TraceConfig()
        self.tracing.on_request_start.append(self._begin)
        self.tracing.on_response_chunk_received.append(self._end)

    async def _begin(self, _: Any, call: SimpleNamespace, __: Any) -> None:
        call.began = time.perf_counter()

    async def _end(self, _: Any, call: SimpleNamespace, __: Any) -> None:
        self.taken.append((time.perf_counter() - call.began) * 1000)


async def _signed_in(site: TestClient[Any, Any], email: str) -> None:
    origin = {"Origin": f"http://{site.host}:{site.port}"}
    form = {"email": email, "password": PASSWORD}
    answer = await site.post("/sign-in", data=form, headers=origin, allow_redirects=False)
    assert answer.status == 303, f"{email} cannot sign in; is there demo data?"


async def _paths(api_url: str) -> list[tuple[str, str]]:
    """What is looked at, and by whom."""
    customer, provider = CUSTOMERS[0].email, PROVIDERS[0].email
    async with MarketplaceClient(api_url) as api:
        me = (await api.sign_in(provider, PASSWORD))["account"]["id"]
        order = (await api.orders("provider", status="4", limit=1))["data"][0]["id"]
        service = (await api.own_services(limit=1))["data"][0]["id"]
    mine = ["/", "/services", f"/services/{service}", "/orders", "/messages", "/notifications", "/settings"]
    yours = [f"/orders/{order}", "/dashboard", "/dashboard/services", f"/profiles/{me}"]
    return [(customer, path) for path in mine] + [(provider, path) for path in yours]


async def _measure(site: TestClient[Any, Any], calls: Calls, path: str) -> tuple[float, float, float, int]:
    """Medians of one page in milliseconds: all of it, its slowest call, what it adds; and its calls."""
    pages, slowest = [], []
    for _ in range(WARM_UP + ROUNDS):
        calls.taken.clear()
        began = time.perf_counter()
        answer = await site.get(path)
        await answer.read()
        pages.append((time.perf_counter() - began) * 1000)
        assert answer.status == 200, (path, answer.status)
        slowest.append(max(calls.taken))
    added = [page - call for page, call in zip(pages, slowest, strict=True)]
    median = statistics.median
    return median(pages[WARM_UP:]), median(slowest[WARM_UP:]), median(added[WARM_UP:]), len(calls.taken)


def _rows(console: Console, paths: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    yield from track(paths, "Looking at pages ...", console=console, transient=True)


async def main(api_url: str) -> int:
    """Prints the table; 1 when a page adds more than it may."""
    console, calls = Console(), Calls()
    table = Table("page", "calls", "page ms", "slowest call ms", "added ms", title="Medians")
    slow = False
    app = build_app(load(WebSettings, api_url=api_url))
    async with TestClient(TestServer(app), cookie_jar=aiohttp.CookieJar(unsafe=True)) as site:
        timeout = aiohttp.ClientTimeout(total=API_SECONDS)
        app[SITE]._http = aiohttp.ClientSession(timeout=timeout, trace_configs=[calls.tracing])
        whose = ""
        for email, path in _rows(console, await _paths(api_url)):
            if email != whose:
                await _signed_in(site, whose := email)
            page, call, added, count = await _measure(site, calls, path)
            slow = slow or added > ALLOWED_MILLISECONDS
            table.add_row(path, str(count), *(f"{value:.1f}" for value in (page, call, added)))
    console.print(table)
    return int(slow)


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("warning"))
    asked = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000"
    try:
        sys.exit(asyncio.run(main(asked)))
    except Unreachable:
        sys.exit(f"No marketplace answers at {asked}. Start one: REQUEST_LIMIT_PER_MINUTE=100000 make run")
