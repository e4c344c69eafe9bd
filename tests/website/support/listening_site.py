"""A site that listens on a port, for requests that no client library would send."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.website.support.fake_api import FakeApi
from tests.website.support.real_site import SECRET
from website.app import listening
from website.settings import WebSettings

Scenario = Callable[["ListeningSite"], Awaitable[None]]


class ListeningSite:
    """A running site that is sent raw bytes."""

    def __init__(self, port: int) -> None:
        self.port = port

    async def answer(self, sent: bytes) -> tuple[int, bytes]:
        """Sends bytes and returns the status and the head of the response."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(sent)
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
        writer.close()
        return int(head.split(b" ", 2)[1]), head


@contextlib.asynccontextmanager
async def listening_site() -> AsyncIterator[ListeningSite]:
    """A running site in front of a fake API."""
    upstream = web.Application()
    upstream.router.add_route("*", "/{rest:.*}", FakeApi().handle)
    async with TestServer(upstream) as server:
        api_url = str(server.make_url(""))
        async with listening(WebSettings(api_url=api_url, web_port=0, web_secret=SECRET)) as runner:
            yield ListeningSite(runner.addresses[0][1])


def run_on_listening_site(scenario: Scenario) -> None:
    """Runs a scenario with a running site."""

    async def main() -> None:
        async with listening_site() as site, asyncio.timeout(60):
            await scenario(site)

    asyncio.run(main())
