"""The gateway's metrics, and the application that serves them on a separate port."""

from collections.abc import Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest

REQUESTS = Counter("microtasks_http_requests_total", "Requests answered", ["route", "status"])
SECONDS = Histogram("microtasks_http_seconds", "Time to answer a request", ["route"])
RPCS = Counter("microtasks_gateway_rpcs_total", "Calls made to services", ["route", "call"])
CACHE = Counter("microtasks_gateway_cache_total", "Look-ups in the cache of public answers", ["outcome"])
STREAMS = Gauge("microtasks_event_streams", "Open event streams")


def metrics_app(is_ready: Callable[[], bool]) -> web.Application:
    """Returns the application of `/metrics`, `/healthz` and `/readyz`."""

    async def show_metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def show_health(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def show_readiness(_: web.Request) -> web.Response:
        ready = is_ready()
        return web.Response(text="ready\n" if ready else "not ready\n", status=200 if ready else 503)

    app = web.Application()
    app.router.add_get("/metrics", show_metrics)
    app.router.add_get("/healthz", show_health)
    app.router.add_get("/readyz", show_readiness)
    return app
