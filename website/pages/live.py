"""Updates of open pages: the event stream, and the number of unread notifications."""

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
from website.http.page_request import Access, Page, PageRequest
from website.metrics import STREAMS

PING_SECONDS = 15.0
RETRY_MILLISECONDS = 2_000


async def stream_events(request: PageRequest) -> web.StreamResponse:
    """Streams the visitor's events from the API; ends with the API's stream, and browsers reconnect.

    The response begins when the API has accepted the stream: until then the session can still be renewed in
    the cookie, and an error of the API is an error here. A visitor who was signed out elsewhere gets 204,
    which stops the browser from reconnecting; their next page explains it.
    """
    connection = request.api.connection
    if connection.session is None:
        return web.Response(status=204)
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
    response.headers["X-Accel-Buffering"] = "no"
    request.site.add_stream()
    try:
        await connection.renew_if_needed()
        await _follow(request, response)
    except Problem as problem:
        if problem.status != 401:
            raise
        await _renew_or_leave(request)
        return web.Response(status=204)
    return response


async def _renew_or_leave(request: PageRequest) -> None:
    """Renews a rejected access token for the next request, unless the session is over."""
    try:
        if request.api.session is not None:
            await request.api.connection.renew(request.api.session["access_token"])
    except Problem as problem:
        if problem.status != 401:
            raise
        request.discard_session_changes()


async def _follow(request: PageRequest, response: web.StreamResponse) -> None:
    async def begin() -> None:
        request.store_session(response)
        await response.prepare(request.raw)
        await response.write(f"retry: {RETRY_MILLISECONDS}\n\n".encode())
        STREAMS.inc()

    last_seen = ascii_only(request.raw.headers.get("Last-Event-ID", ""))
    try:
        async with aclosing(one_stream(request.api.connection, last_seen, begin)) as events:
            await _write_events(events, response)
    except (aiohttp.ClientError, ConnectionError, TimeoutError):
        if not response.prepared:
            raise  # otherwise the browser reconnects
    finally:
        if response.prepared:
            STREAMS.dec()


async def _write_events(events: AsyncIterator[LiveEvent], response: web.StreamResponse) -> None:
    """Writes events as they arrive, and a ping in between, so that a closed connection is detected."""
    next_event = asyncio.ensure_future(anext(events, None))
    try:
        while True:
            done, _ = await asyncio.wait((next_event,), timeout=PING_SECONDS)
            if done:
                if (event := next_event.result()) is None:
                    return
                await response.write(_encode(event))
                next_event = asyncio.ensure_future(anext(events, None))
            elif response.prepared:
                await response.write(b": ping\n\n")
    finally:
        next_event.cancel()
        await asyncio.gather(next_event, return_exceptions=True)


def _encode(event: LiveEvent) -> bytes:
    data = json.dumps(event["data"], separators=(",", ":"))
    return f"id: {event['id']}\nevent: {event['type']}\ndata: {data}\n\n".encode()


async def show_bell(request: PageRequest) -> web.StreamResponse:
    """Shows the number of unread notifications only.

    Raises: Problem 401 for a visitor who was signed out elsewhere.
    """
    bell = await request.render("bell.html")
    if request.session_problem is not None:
        raise request.session_problem
    return bell


PAGES = (
    Page("GET", "/live/events", stream_events, is_stream=True),
    Page("GET", "/live/bell", show_bell, Access.SIGNED_IN),
)
