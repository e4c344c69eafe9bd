"""What a page hears while it is open: a stream of thin events, and the bell in the header."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing

import aiohttp
from aiohttp import web

from client import Problem
from client.live import one_stream
from client.resources import LiveEvent
from website.http.forwarded_headers import ascii_only
from website.http.page_request import Page, Visit, Who
from website.metrics import STREAMS

PING_SECONDS = 15.0
RETRY_MILLISECONDS = 2_000


async def stream_events(visit: Visit) -> web.StreamResponse:
    """The visitor's events as the API tells them; ends when the API's stream does, and browsers return.

    The answer begins once the API granted the stream: until then the session may be renewed, which later
    no cookie could tell, and a refusal is a refusal here too. To somebody who was signed out meanwhile, by
    another tab perhaps, the stream has nothing to tell; their next page says so.
    """
    connection = visit.api.connection
    if connection.session is None:
        return web.Response(status=204)
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
    response.headers["X-Accel-Buffering"] = "no"
    visit.site.add_stream()
    try:
        await connection.renew_if_needed()
        await _follow(visit, response)
    except Problem as problem:
        if problem.status != 401:
            raise
        await _renew_or_leave(visit)
        return web.Response(status=204)
    return response


async def _renew_or_leave(visit: Visit) -> None:
    """Makes the best of a refused token: the next request has a better one, or the session is over."""
    try:
        if visit.api.session is not None:
            await visit.api.connection.renew(visit.api.session["access_token"])
    except Problem as problem:
        if problem.status != 401:
            raise
        visit.leave_session()


async def _follow(visit: Visit, response: web.StreamResponse) -> None:
    async def begin() -> None:
        visit.keep_session(response)
        await response.prepare(visit.request)
        await response.write(f"retry: {RETRY_MILLISECONDS}\n\n".encode())
        STREAMS.inc()

    last_seen = ascii_only(visit.request.headers.get("Last-Event-ID", ""))
    try:
        async with aclosing(one_stream(visit.api.connection, last_seen, begin)) as events:
            await _pass_on(events, response)
    except (aiohttp.ClientError, ConnectionError, TimeoutError):
        if not response.prepared:
            raise  # the browser asks again otherwise
    finally:
        if response.prepared:
            STREAMS.dec()


async def _pass_on(events: AsyncIterator[LiveEvent], response: web.StreamResponse) -> None:
    """Writes what comes, and a ping when nothing does, so that a browser that left is noticed."""
    coming = asyncio.ensure_future(anext(events, None))
    try:
        while True:
            done, _ = await asyncio.wait((coming,), timeout=PING_SECONDS)
            if done:
                if (event := coming.result()) is None:
                    return
                await response.write(_written(event))
                coming = asyncio.ensure_future(anext(events, None))
            elif response.prepared:
                await response.write(b": ping\n\n")
    finally:
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)


def _written(event: LiveEvent) -> bytes:
    data = json.dumps(event["data"], separators=(",", ":"))
    return f"id: {event['id']}\nevent: {event['type']}\ndata: {data}\n\n".encode()


async def show_bell(visit: Visit) -> web.StreamResponse:
    """The header's count of unread notifications alone; not for somebody who was signed out elsewhere.

    Raises: Problem, the refusal.
    """
    bell = await visit.show("bell.html")
    if visit.refusal is not None:
        raise visit.refusal
    return bell


PAGES = (
    Page("GET", "/live/events", stream_events, is_stream=True),
    Page("GET", "/live/bell", show_bell, Who.SIGNED_IN),
)
