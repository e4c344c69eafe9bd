"""The live event stream (server-sent events)."""

import asyncio
import time

from aiohttp import web

from gateway.http.request import RequestContext
from gateway.http.standard_headers import add_standard_headers
from gateway.routing.policies import Access, CacheControl, ResponseKind
from gateway.routing.route import Route
from kit.http.addresses import is_local, network_of

RETRY_MILLISECONDS = 2_000


async def stream_events(context: RequestContext) -> web.StreamResponse:
    """Streams the caller's live events until their access token expires."""
    caller, request, hub = context.signed_in_caller, context.request, context.gateway.hub
    stream = hub.open(
        caller.id,
        caller.session_id,
        request.headers.get("Last-Event-ID"),
        is_connected=lambda: request.transport is not None and not request.transport.is_closing(),
        network="" if is_local(context.address) else network_of(context.address),
    )
    headers = {"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}
    headers |= {"Cache-Control": CacheControl.NO_STORE.value, "Vary": "Authorization"}
    response = web.StreamResponse(headers=headers)
    add_standard_headers(context, response)
    ping_seconds = context.gateway.settings.stream_ping_seconds
    try:
        async with asyncio.timeout(max(0.0, caller.expires_at - time.time())):
            await response.prepare(request)
            await response.write(f"retry: {RETRY_MILLISECONDS}\n\n".encode())
            while (text := await stream.next(ping_seconds)) is not None:
                await response.write(text)
    except (TimeoutError, ConnectionError):
        pass
    finally:
        hub.remove(stream)
    return response


ROUTES = (
    Route(
        method="GET",
        path="/v1/events",
        handler=stream_events,
        access=Access.SIGNED_IN,
        summary="Live events: notifications, messages, transitions, reviews",
        response_kind=ResponseKind.CUSTOM,
        media_type="text/event-stream",
        cache_control=CacheControl.NO_STORE,
    ),
)
