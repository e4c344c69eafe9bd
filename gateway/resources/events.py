"""The live event stream (server-sent events)."""

import asyncio
import time

from aiohttp import web

from gateway.http.middleware import stamp
from gateway.http.request import Incoming
from gateway.routing.route import Route, Shape, Storing, Who
from kit.addresses import is_local, network_of

RETRY_MILLISECONDS = 2_000


async def stream_events(incoming: Incoming) -> web.StreamResponse:
    """What happens to the caller, as it happens; ends when their access token does."""
    caller, request, hub = incoming.signed_in, incoming.request, incoming.gateway.hub
    stream = hub.open(
        caller.id,
        caller.session_id,
        request.headers.get("Last-Event-ID"),
        is_connected=lambda: request.transport is not None and not request.transport.is_closing(),
        network="" if is_local(incoming.address) else network_of(incoming.address),
    )
    headers = {"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}
    headers |= {"Cache-Control": Storing.NEVER.value, "Vary": "Authorization"}
    response = web.StreamResponse(headers=headers)
    stamp(incoming, response)
    ping_seconds = incoming.gateway.settings.stream_ping_seconds
    try:
        async with asyncio.timeout(max(0.0, caller.expires_at - time.time())):
            await response.prepare(request)
            await response.write(f"retry: {RETRY_MILLISECONDS}\n\n".encode())
            while (text := await stream.next(ping_seconds)) is not None:
                await response.write(text)
    except (TimeoutError, ConnectionError):
        pass
    finally:
        hub.leave(stream)
    return response


ROUTES = (
    Route(
        method="GET",
        path="/v1/events",
        handler=stream_events,
        who=Who.SIGNED_IN,
        summary="Live events: notifications, messages, transitions, reviews",
        shape=Shape.OTHER,
        media_type="text/event-stream",
        storing=Storing.NEVER,
    ),
)
