"""The gateway's application and process: HTTP for clients, RPC and events towards the services."""

import asyncio
import contextlib
import json
import os
import signal
from collections import defaultdict
from collections.abc import AsyncIterator

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from gateway.contracts import live_events
from gateway.http.dispatch import handler_for
from gateway.http.middleware import create_middleware
from gateway.http.server import GatewayRunner
from gateway.metrics import metrics_app
from gateway.resources import (
    accounts,
    catalog,
    documents,
    events,
    messages,
    notifications,
    orders,
    payments,
    reviews,
    system,
)
from gateway.routing.openapi import document_of
from gateway.routing.route import Route
from gateway.security.shared_counts import SharedCounts
from gateway.settings import GatewaySettings
from gateway.state import GATEWAY, Gateway
from gateway.upstream.connection import AmqpConnection
from gateway.upstream.event_feed import AmqpEventFeed, EventFeed
from gateway.upstream.rpc_client import AmqpRpcClient, RpcClient
from kit import logging
from kit.http import event_loop
from kit.settings import load

log = structlog.get_logger(__name__)

FIRST_CONNECTION_SECONDS = 5.0
RESOURCES = (
    accounts,
    catalog,
    orders,
    payments,
    documents,
    messages,
    notifications,
    reviews,
    events,
    system,
)
ROUTES: tuple[Route, ...] = tuple(route for resource in RESOURCES for route in resource.ROUTES)


def build_app(settings: GatewaySettings, rpc: RpcClient, feed: EventFeed) -> web.Application:
    """Builds the HTTP application over any RPC client and event feed.

    Starting and stopping those two is the caller's. `app[GATEWAY]` is the gateway.
    """
    gateway = Gateway(settings, rpc, feed, json.dumps(document_of(ROUTES)).encode())
    app = web.Application(middlewares=[create_middleware(gateway)])
    app[GATEWAY] = gateway
    _add_routes(app, gateway)

    async def subscribe(_: web.Application) -> None:
        feed.subscribe(gateway.receive_event, gateway.resynchronize)

    async def close_streams(_: web.Application) -> None:
        gateway.is_draining = True
        gateway.hub.close_all()
        gateway.revocations.stop()
        gateway.documents.close()

    app.on_startup.append(subscribe)
    app.on_shutdown.append(close_streams)
    return app


def _add_routes(app: web.Application, gateway: Gateway) -> None:
    methods: dict[str, set[str]] = defaultdict(set)
    for route in ROUTES:
        handler = handler_for(route)
        app.router.add_route(route.method, route.path, handler)
        methods[route.path].add(route.method)
        if route.method == "GET" and route.media_type != "text/event-stream":
            app.router.add_route("HEAD", route.path, handler)
            methods[route.path].add("HEAD")
    for path, allowed in methods.items():
        app.router.add_route("OPTIONS", path, _preflight_handler(gateway, allowed))


def _preflight_handler(gateway: Gateway, methods: set[str]) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        return gateway.cors.preflight(request, methods)

    return handle


@contextlib.asynccontextmanager
async def serving(app: web.Application, settings: GatewaySettings) -> AsyncIterator[GatewayRunner]:
    """Serves the application; on exit, open requests are finished first."""
    seconds = max(0.0, settings.drain_seconds - settings.drain_notice_seconds)
    runner = GatewayRunner(app, shutdown_timeout=seconds)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.gateway_host, settings.gateway_port, backlog=1024).start()
        app[GATEWAY].is_listening = True
        log.info("listening", addresses=[str(address) for address in runner.addresses])
        yield runner
    finally:
        await runner.cleanup()


async def run(settings: GatewaySettings, stop: asyncio.Event) -> None:
    """Runs the gateway, connected to the broker, until `stop` is set; then drains it."""
    rpc, feed = AmqpRpcClient(settings), AmqpEventFeed(settings, live_events())
    app = build_app(settings, rpc, feed)
    gateway = app[GATEWAY]
    app.on_startup.append(lambda _: _wait_until_connected(gateway, stop))
    connection = AmqpConnection(
        settings.amqp_url, rpc, feed, SharedCounts(settings, gateway.rate_limits.counts)
    )
    await connection.start()
    try:
        async with serving_metrics(gateway), serving(app, settings):
            await stop.wait()
            log.info("draining")
            gateway.is_draining = True
            await asyncio.sleep(settings.drain_notice_seconds)
    finally:
        await connection.stop()
    log.info("stopped")


async def _wait_until_connected(gateway: Gateway, stop: asyncio.Event) -> None:
    """Waits a few seconds for the revoked sessions, because whatever listens receives requests."""
    waiting = [asyncio.create_task(event.wait()) for event in (gateway.revocations.loaded, stop)]
    await asyncio.wait(waiting, timeout=FIRST_CONNECTION_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()


@contextlib.asynccontextmanager
async def serving_metrics(gateway: Gateway) -> AsyncIterator[None]:
    """Serves health, readiness and metrics on a separate port, if the settings name one."""
    settings = gateway.settings
    if not settings.metrics_port:
        yield
        return
    # This port opens before the other, so "ready" includes that the other one is open.
    ready = metrics_app(lambda: gateway.is_listening and gateway.is_ready)
    runner = web.AppRunner(ready, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.metrics_host, settings.metrics_port).start()
        yield
    finally:
        await runner.cleanup()


async def _run_until_signalled(settings: GatewaySettings) -> None:
    stop = asyncio.Event()

    def on_signal(number: signal.Signals) -> None:
        if stop.is_set():
            os._exit(128 + number)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, on_signal, number)
    await run(settings, stop)


def main() -> None:
    """Runs the gateway until SIGTERM or SIGINT; a second one ends it at once."""
    settings = load(GatewaySettings)
    logging.configure(settings.log_level, settings.log_format)
    event_loop.run(_run_until_signalled(settings))


if __name__ == "__main__":
    main()
