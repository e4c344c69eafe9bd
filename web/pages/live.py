"""What a page hears while it is open: a stream of thin events, and the bell in the header."""

import asyncio
import json
from collections.abc import AsyncIterator

import aiohttp
from aiohttp import web

from client import Problem
from client.resources import LiveEvent
from web.metrics import STREAMS
from web.visits import Page, Visit, Who

PING_SECONDS = 15.0
RETRY_MILLISECONDS = 2_000


async def stream_events(visit: Visit) -> web.StreamResponse:
    """The visitor's events as the API tells them; ends when the API's stream does, and browsers return.

    The session is renewed only here, before the answer begins: later no cookie can be set. To somebody
    who was signed out meanwhile, by another tab perhaps, the stream has nothing to tell; their next page
    says so.
    """
    if not await _is_signed_in(visit):
        return web.Response(status=204)
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
    response.headers["X-Accel-Buffering"] = "no"
    visit.keep_session(response)
    await response.prepare(visit.request)
    visit.site.add_stream()
    STREAMS.inc()
    try:
        await response.write(f"retry: {RETRY_MILLISECONDS}\n\n".encode())
        last_seen = visit.request.headers.get("Last-Event-ID", "")
        await _pass_on(visit.api.events(last_seen, once=True), response)
    except (Problem, aiohttp.ClientError, ConnectionError, TimeoutError):
        pass  # the browser asks again
    finally:
        STREAMS.dec()
    return response


async def _is_signed_in(visit: Visit) -> bool:
    if visit.person is None:
        return False
    try:
        await visit.api.connection.renew_if_needed()
    except Problem as problem:
        if problem.status != 401:
            raise
        visit.leave_session()
        return False
    return True


async def _pass_on(events: AsyncIterator[LiveEvent], response: web.StreamResponse) -> None:
    """Writes what comes, and a ping when nothing does, so that a browser that left is noticed."""
    coming = asyncio.ensure_future(anext(events, None))
    try:
        while True:
            done, _ = await asyncio.wait((coming,), timeout=PING_SECONDS)
            if not done:
                await response.write(b": ping\n\n")
                continue
            if (event := coming.result()) is None:
                return
            await response.write(_written(event))
            coming = asyncio.ensure_future(anext(events, None))
    finally:
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)


def _written(event: LiveEvent) -> bytes:
    data = json.dumps(event["data"], separators=(",", ":"))
    return f"id: {event['id']}\nevent: {event['type']}\ndata: {data}\n\n".encode()


async def show_bell(visit: Visit) -> web.StreamResponse:
    """The header's count of unread notifications alone."""
    return await visit.show("bell.html")


PAGES = (
    Page("GET", "/live/events", stream_events),
    Page("GET", "/live/bell", show_bell, Who.SIGNED_IN),
)
