"""The gateway: HTTP outside, RPC and events inside."""

import asyncio
import contextlib
import json
import os
import signal
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from typing import Any

import structlog
from aiohttp import web

from gateway.cache import Cache
from gateway.documents.drawing import Drawing
from gateway.http.access_log import access_log
from gateway.http.client_ip import Addresses
from gateway.http.cors import Cors
from gateway.http.middleware import AiohttpHandler, frame, serve
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
from gateway.security.authentication import Authenticator, Revocations
from gateway.security.rate_limits import Limits
from gateway.security.shared_counts import SharedCounts
from gateway.settings import GatewaySettings
from gateway.streaming.hub import Hub
from gateway.upstream.connection import Broker
from gateway.upstream.event_feed import AmqpEventFeed, EventFeed
from gateway.upstream.rpc_client import AmqpRpcClient, RpcClient
from kit import logging
from kit.contracts import Event, events_of, onward_methods
from kit.settings import load
from kit.tokens import Verifier, verifying_keys
from services.accounts import contract as accounts_contract
from services.catalog import contract as catalog_contract
from services.messaging import contract as messaging_contract
from services.orders import contract as orders_contract
from services.payments import contract as payments_contract
from services.reviews import contract as reviews_contract

log = structlog.get_logger(__name__)

FIRST_CONNECTION_SECONDS = 5.0
CONTRACTS = (
    accounts_contract,
    catalog_contract,
    orders_contract,
    messaging_contract,
    reviews_contract,
    payments_contract,
)
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


class Gateway:
    """Everything a request may need."""

    def __init__(self, settings: GatewaySettings, rpc: RpcClient, feed: EventFeed) -> None:
        self.settings = settings
        self.rpc = rpc
        self.feed = feed
        self.revocations = Revocations(rpc)
        verifier = Verifier(verifying_keys(settings), audience_required=settings.token_audience_required)
        self.authenticator = Authenticator(verifier, self.revocations)
        self.onward_methods = onward_methods(CONTRACTS)
        self.addresses = Addresses(settings.trusted_networks)
        self.limits = Limits(settings)
        self.cors = Cors(settings.allowed_origins)
        self.cache = Cache(settings.cache_seconds, settings.cache_entries)
        self.hub = Hub(settings)
        self.drawing = Drawing()
        self.document = json.dumps(document_of(ROUTES)).encode()
        self.access_log = access_log(settings)
        self.is_listening = False
        self.is_draining = False

    @property
    def is_ready(self) -> bool:
        """Whether requests should be sent here."""
        return not self.is_draining and self.rpc.is_ready and self.feed.is_ready

    def hear(self, event_type: str, event: dict[str, Any]) -> None:
        """Takes one live event."""
        if event_type == catalog_contract.SERVICE_CHANGED.type:
            self.cache.drop_service(event["service_id"])
        elif event_type == accounts_contract.SESSION_REVOKED.type:
            self.authenticator.forget(event)
            self.hub.close_sessions(event["account_id"], event["session_ids"])
        self.hub.publish(event_type, event)

    def sign_out(self, account_id: str, session_id: str) -> None:
        """A session was closed through this gateway: its tokens end before the event says so."""
        self.revocations.add_now(session_id)
        self.hub.close_sessions(account_id, [session_id])

    def start_afresh(self) -> None:
        """The feed has (re)connected: what happened before may have been missed."""
        self.cache.clear()
        self.hub.start_afresh()
        self.revocations.load_in_background()


def build_app(settings: GatewaySettings, rpc: RpcClient, feed: EventFeed) -> web.Application:
    """The HTTP application over any RPC client and event feed.

    Starting and stopping those two is the caller's. `app[GATEWAY]` is the gateway.
    """
    gateway = Gateway(settings, rpc, feed)
    app = web.Application(middlewares=[frame(gateway)])
    app[GATEWAY] = gateway
    _add_routes(app, gateway)

    async def listen(_: web.Application) -> None:
        feed.subscribe(gateway.hear, gateway.start_afresh)

    async def end_streams(_: web.Application) -> None:
        gateway.is_draining = True
        gateway.hub.close_all()
        gateway.revocations.stop()
        gateway.drawing.close()

    app.on_startup.append(listen)
    app.on_shutdown.append(end_streams)
    return app


GATEWAY = web.AppKey("gateway", Gateway)


def _add_routes(app: web.Application, gateway: Gateway) -> None:
    methods: dict[str, set[str]] = defaultdict(set)
    for route in ROUTES:
        handler = serve(gateway, route)
        app.router.add_route(route.method, route.path, handler)
        methods[route.path].add(route.method)
        if route.method == "GET" and route.media_type != "text/event-stream":
            app.router.add_route("HEAD", route.path, handler)
            methods[route.path].add("HEAD")
    for path, allowed in methods.items():
        app.router.add_route("OPTIONS", path, _preflight(gateway, allowed))


def _preflight(gateway: Gateway, methods: set[str]) -> AiohttpHandler:
    async def answer(request: web.Request) -> web.StreamResponse:
        return gateway.cors.preflight(request, methods)

    return answer


def live_events() -> Iterable[Event]:
    """Every event gateways listen to."""
    return (event for contract in CONTRACTS for event in events_of(contract) if event.live)


@contextlib.asynccontextmanager
async def listening(app: web.Application, settings: GatewaySettings) -> AsyncIterator[GatewayRunner]:
    """Serves the application; on leaving, requests under way finish first."""
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
    """The gateway as a process: connected to the broker, until `stop` is set; then it drains."""
    rpc, feed = AmqpRpcClient(settings), AmqpEventFeed(settings, live_events())
    app = build_app(settings, rpc, feed)
    gateway = app[GATEWAY]
    app.on_startup.append(lambda _: _able_to_answer(gateway, stop))
    broker = Broker(settings.amqp_url, rpc, feed, SharedCounts(settings, gateway.limits.counts))
    await broker.start()
    try:
        async with showing_metrics(gateway), listening(app, settings):
            await stop.wait()
            log.info("draining")
            gateway.is_draining = True
            await asyncio.sleep(settings.drain_notice_seconds)
    finally:
        await broker.stop()
    log.info("stopped")


async def _able_to_answer(gateway: Gateway, stop: asyncio.Event) -> None:
    """Whoever listens gets requests; so first, for a little while, the broker and the signed-out sessions."""
    waiting = [asyncio.create_task(event.wait()) for event in (gateway.revocations.known, stop)]
    await asyncio.wait(waiting, timeout=FIRST_CONNECTION_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()


@contextlib.asynccontextmanager
async def showing_metrics(gateway: Gateway) -> AsyncIterator[None]:
    """Health, readiness and metrics on a port of their own, where the settings name one."""
    settings = gateway.settings
    if not settings.metrics_port:
        yield
        return
    # This port is open first; whoever asks here sends requests to the other.
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

    def told(number: signal.Signals) -> None:
        if stop.is_set():
            os._exit(128 + number)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told, number)
    await run(settings, stop)


def main() -> None:
    """Runs the gateway until SIGTERM or SIGINT; a second one ends it at once."""
    settings = load(GatewaySettings)
    logging.configure(settings.log_level, settings.log_format)
    asyncio.run(_run_until_signalled(settings))


if __name__ == "__main__":
    main()
