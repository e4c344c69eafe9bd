"""The site as an aiohttp application and as a process."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator

import structlog
from aiohttp import web

from website import metrics
from website.assets import PATH as STATIC
from website.http.middleware import SITE, serve, serve_request
from website.http.page_request import FORM_PAGES, Page
from website.http.server import SiteRunner
from website.pages import PAGES
from website.settings import WebSettings
from website.site import Site

log = structlog.get_logger(__name__)


def build_app(settings: WebSettings) -> web.Application:
    """Returns the application; `app[SITE]` holds what its pages share."""
    site = Site(settings)
    app = web.Application(middlewares=[serve_request])
    app[SITE] = site
    app[FORM_PAGES] = {page.path: page for page in PAGES if page.method == "POST"}
    app.add_routes(metrics.probes(lambda: not site.is_draining))
    app.router.add_get(STATIC + "{name}", _show_asset)
    app.router.add_get("/favicon.ico", _show_icon)
    for page in PAGES:
        _add_page(app, page)

    async def end_streams(_: web.Application) -> None:
        site.end_streams()

    async def close(_: web.Application) -> None:
        await site.close()

    app.on_shutdown.append(end_streams)
    app.on_cleanup.append(close)
    return app


def _add_page(app: web.Application, page: Page) -> None:
    handler = serve(app[SITE], page)
    if page.method == "GET":
        app.router.add_get(page.path, handler, allow_head=not page.is_stream)
    else:
        app.router.add_route(page.method, page.path, handler)


async def _show_asset(request: web.Request) -> web.Response:
    asset = request.app[SITE].assets.find(request.path)
    if asset is None:
        raise web.HTTPNotFound
    return asset.response(request)


async def _show_icon(request: web.Request) -> web.Response:
    raise web.HTTPMovedPermanently(request.app[SITE].assets.path("icon.svg"))


@contextlib.asynccontextmanager
async def listening(settings: WebSettings) -> AsyncIterator[web.AppRunner]:
    """Serves the site; on exit, requests in progress are finished first."""
    app = build_app(settings)
    runner = SiteRunner(app, shutdown_timeout=settings.web_drain_seconds, handler_cancellation=True)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.web_host, settings.web_port, backlog=1024).start()
        log.info("listening", addresses=[str(address) for address in runner.addresses])
        yield runner
    finally:
        app[SITE].is_draining = True
        await runner.cleanup()


async def run(settings: WebSettings, metrics_host: str, metrics_port: int, stop: asyncio.Event) -> None:
    """Runs the site until `stop` is set, then drains it."""
    async with listening(settings) as runner, _serving_metrics(runner, metrics_host, metrics_port):
        await stop.wait()
        runner.app[SITE].is_draining = True
        await asyncio.sleep(settings.web_drain_notice_seconds)


@contextlib.asynccontextmanager
async def _serving_metrics(runner: web.AppRunner, host: str, port: int) -> AsyncIterator[None]:
    if not port:
        yield
        return
    site = runner.app[SITE]
    metrics_runner = web.AppRunner(metrics.metrics_app(lambda: not site.is_draining), access_log=None)
    await metrics_runner.setup()
    try:
        await web.TCPSite(metrics_runner, host, port).start()
        yield
    finally:
        await metrics_runner.cleanup()


async def run_until_signalled(settings: WebSettings, metrics_host: str, metrics_port: int) -> None:
    """Runs the site until SIGTERM or SIGINT; a second signal exits at once."""
    stop = asyncio.Event()

    def handle_signal(number: signal.Signals) -> None:
        if stop.is_set():
            os._exit(128 + number)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, handle_signal, number)
    await run(settings, metrics_host, metrics_port, stop)
