"""The doctor tells a gateway or site that is ready from one that is not, and from something else."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from aiohttp import web

from cli.doctor.checks import Finding, Result
from cli.doctor.endpoints import examine_gateway, examine_site
from tests.support.servers import free_port


@contextmanager
def answering(status: int, body: object) -> Iterator[str]:
    """A server whose every page is this."""

    async def answer(_: web.Request) -> web.Response:
        return web.json_response(body, status=status)

    loop, port = asyncio.new_event_loop(), free_port()
    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app)
    loop.run_until_complete(runner.setup())
    loop.run_until_complete(web.TCPSite(runner, "127.0.0.1", port).start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def look(url: str) -> Finding:
    (found,) = examine_gateway(url)
    return found


@pytest.mark.parametrize(
    ("status", "body", "result", "advice"),
    [
        (200, {"status": "ready"}, Result.OK, ""),
        (503, {"status": "not ready"}, Result.FAILED, "its log says which"),
        (200, {"hello": "world"}, Result.FAILED, "Something else listens"),
        (404, ["nothing"], Result.FAILED, "Something else listens"),
    ],
)
def test_a_gateway_is_taken_at_its_word(status: int, body: object, result: Result, advice: str) -> None:
    with answering(status, body) as url:
        found = look(url)
    assert found.result is result
    assert advice in found.advice


@pytest.mark.parametrize(
    ("status", "body", "result", "advice"),
    [
        (200, {"ready": True}, Result.OK, ""),
        (503, {"ready": False}, Result.FAILED, "its log says which"),
        (200, {"status": "ready"}, Result.FAILED, "name the site with --site"),
        (503, "<html>", Result.FAILED, "Something else listens"),
    ],
)
def test_so_is_the_site(status: int, body: object, result: Result, advice: str) -> None:
    with answering(status, body) as url:
        (found,) = examine_site(url)
    assert (found.subject, found.result) == ("site", result)
    assert advice in found.advice


def test_no_gateway_at_all_says_how_to_start_one() -> None:
    found = look(f"http://127.0.0.1:{free_port()}")
    assert found.result is Result.FAILED
    assert "serve gateway" in found.advice
    (found,) = examine_site(f"http://127.0.0.1:{free_port()}")
    assert "serve web" in found.advice
