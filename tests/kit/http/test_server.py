"""A head that does not come is not waited for; a slow answer and an idle connection are left alone.

Both on uvloop and on asyncio's own loop, where `microtasks dev` runs.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import pytest
import uvloop
from aiohttp import web

from kit.http import server
from kit.http.server import HttpRunner

Client = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Talk = Callable[..., None]
WHOLE = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(params=[uvloop.new_event_loop, asyncio.new_event_loop], ids=["uvloop", "asyncio"])
def talk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Talk:
    """Runs a client against a server that waits 0.2 s for a head."""
    monkeypatch.setattr(server, "HEAD_SECONDS", 0.2)

    def run(client: Client, answer_seconds: float = 0.0) -> None:
        with asyncio.Runner(loop_factory=request.param) as runner:
            runner.run(converse(client, answer_seconds))

    return run


async def converse(client: Client, answer_seconds: float) -> None:
    """Serves one client; each answer takes some time."""

    async def answer(_: web.Request) -> web.Response:
        await asyncio.sleep(answer_seconds)
        return web.Response(text="ok")

    app = web.Application()
    app.router.add_route("*", "/", answer)
    runner = HttpRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        host, port = runner.addresses[0][:2]
        reader, writer = await asyncio.open_connection(host, port)
        await asyncio.wait_for(client(reader, writer), 10)
        writer.close()
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("sent", [b"", b"GET", b"GET / HTTP/1.1\r\nHost: x\r\nX: "])
def test_a_connection_without_a_whole_head_is_closed(sent: bytes, talk: Talk) -> None:
    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(sent)
        assert await reader.read() == b""

    talk(client)


def test_a_head_that_comes_byte_by_byte_is_not_waited_for_longer(talk: Talk) -> None:
    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def trickle() -> None:
            while True:
                writer.write(b"X")
                await asyncio.sleep(0.01)

        writer.write(b"GET / HTTP/1.1\r\nX-Long: ")
        trickling = asyncio.create_task(trickle())
        with contextlib.suppress(ConnectionResetError):  # a byte may meet the closed connection
            assert await reader.read() == b""
        trickling.cancel()

    talk(client)


def test_an_answer_may_take_longer_and_a_second_request_may_come_late(talk: Talk) -> None:
    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2):
            writer.write(WHOLE)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200")
            assert await reader.readexactly(2) == b"ok"
            await asyncio.sleep(0.4)  # idle, as browsers are between two pages

    talk(client, answer_seconds=0.4)


def test_half_a_second_head_is_not_waited_for(talk: Talk) -> None:
    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(WHOLE)
        await reader.readuntil(b"ok")
        writer.write(b"GET / HTTP/1.1\r\n")
        assert await reader.read() == b""

    talk(client)
