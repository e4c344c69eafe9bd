"""Odd headers and addresses at a site that really listens: refused or ignored, and no failure of ours."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.support.odd_requests import (
    ODD_HEADERS,
    ODD_LINES,
    ODD_QUERIES,
    ODD_TYPES,
    ODD_VALUES,
    request,
)
from tests.website.support.fake_api import FakeApi
from tests.website.support.real_site import SECRET
from website.app import listening
from website.settings import WebSettings

FORM = "application/x-www-form-urlencoded"
LISTS = ("/services", "/orders", "/messages", "/notifications", "/dashboard/transactions", "/sign-in")
OWN_QUERIES = ("cursor=" + "W" * 7_000, "next=%0d%0aX:1", "next=//[", "q=%00", "min_price=" + "9" * 5_000)
Scenario = Callable[["Listening"], Awaitable[None]]


class Listening:
    """A site that listens, and what it answers to bytes."""

    def __init__(self, port: int) -> None:
        self.port = port

    async def answer(self, sent: bytes) -> tuple[int, bytes]:
        """The status of an answer, and its head."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(sent)
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
        writer.close()
        return int(head.split(b" ", 2)[1]), head


@contextlib.asynccontextmanager
async def site() -> AsyncIterator[Listening]:
    upstream = web.Application()
    upstream.router.add_route("*", "/{rest:.*}", FakeApi().handle)
    async with TestServer(upstream) as server:
        api_url = str(server.make_url(""))
        async with listening(WebSettings(api_url=api_url, web_port=0, web_secret=SECRET)) as runner:
            yield Listening(runner.addresses[0][1])


def run(scenario: Scenario) -> None:
    async def main() -> None:
        async with site() as listening_site, asyncio.timeout(60):
            await scenario(listening_site)

    asyncio.run(main())


@pytest.mark.parametrize("header", ODD_HEADERS)
def test_no_header_makes_the_site_fail(header: str) -> None:
    async def scenario(site: Listening) -> None:
        host = () if header == "Host" else ("Host: x",)
        for value in ODD_VALUES:
            for path, method in (("/help", "GET"), ("/live/events", "GET"), ("/sign-out", "POST")):
                sent = request(path, *host, f"{header}: {value}", method=method)
                status, head = await site.answer(sent)
                assert status < 500, (header, value[:20], path, head)
        assert (await site.answer(request("/help", "Host: x")))[0] == 200

    run(scenario)


@pytest.mark.parametrize("content_type", ODD_TYPES, ids=range(len(ODD_TYPES)))
def test_an_odd_content_type_is_415(content_type: str) -> None:
    async def scenario(site: Listening) -> None:
        lines = ("Host: x", "Origin: http://x", f"Content-Type: {content_type}", "Content-Length: 2")
        assert (await site.answer(request("/sign-in", *lines, method="POST") + b"a="))[0] == 415

    run(scenario)


def test_a_form_with_broken_chunks_is_400() -> None:
    async def scenario(site: Listening) -> None:
        lines = ("Host: x", "Origin: http://x", f"Content-Type: {FORM}", "Transfer-Encoding: chunked")
        sent = request("/sign-in", *lines, method="POST") + b"zz\r\na=\r\n0\r\n\r\n"
        assert (await site.answer(sent))[0] == 400

    run(scenario)


def test_a_charset_is_refused_before_the_length_is_looked_at() -> None:
    async def scenario(site: Listening) -> None:
        lines = ("Host: x", "Origin: http://x", f"Content-Type: {FORM}; charset=punycode")
        sent = request("/sign-in", *lines, "Content-Length: 250001", method="POST")
        assert (await site.answer(sent))[0] == 415

    run(scenario)


def test_odd_first_lines_and_too_long_heads_are_refused() -> None:
    async def scenario(site: Listening) -> None:
        lines = [f"{line}\r\nHost: x\r\n\r\n".encode() for line in ODD_LINES]
        heads = [request("/", *(f"X-{n}: {'a' * 8_000}" for n in range(6))), request("/", *["X-A: b"] * 150)]
        for sent in (*lines, *heads, b"\x16\x03\x01\r\n\r\n", request("/" + "a" * 9_000)):
            status, head = await site.answer(sent)
            assert 400 <= status < 500, (sent[:60], head)
            assert b"\r\nServer: MicroTasks\r\n" in head, sent[:60]
            assert b"\r\nContent-Security-Policy: " in head, sent[:60]

    run(scenario)


@pytest.mark.parametrize("path", LISTS)
def test_no_query_makes_the_site_fail(path: str) -> None:
    async def scenario(site: Listening) -> None:
        for query in (
            *ODD_QUERIES,
            "cursor=" + "W" * 7_000,
            "next=%0d%0aX:1",
            "next=//[",
            "q=%00",
            "price=9" * 900,
        ):
            status, head = await site.answer(request(f"{path}?{query}", "Host: x"))
            assert status < 500, (query[:60], head)
            assert b"\r\nX:1" not in head

    run(scenario)


def test_a_path_that_is_no_utf8_is_that_of_no_page() -> None:
    async def scenario(site: Listening) -> None:
        for path in (
            "/services/\udcff",
            "/services/%ff",
            "/\udcff",
            "/services/%ed%a0%80",
            "/services/%c2%85",
        ):
            assert (await site.answer(request(path, "Host: x")))[0] in (400, 404), path

    run(scenario)
