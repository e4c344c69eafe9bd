"""The site's metrics and probes."""

from collections.abc import Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest

REQUESTS = Counter("web_requests_total", "Answered requests of the site", ["method", "place", "status"])
SECONDS = Histogram("web_request_seconds", "Time to answer requests of the site", ["place"])
STREAMS = Gauge("web_streams", "Open event streams of the site")


def probes(is_ready: Callable[[], bool]) -> list[web.RouteDef]:
    """Returns the routes `/healthz` and `/readyz`."""

    async def show_health(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def show_readiness(_: web.Request) -> web.Response:
        ready = is_ready()
        return web.json_response({"ready": ready}, status=200 if ready else 503)

    return [web.get("/healthz", show_health), web.get("/readyz", show_readiness)]


def metrics_app(is_ready: Callable[[], bool]) -> web.Application:
    """Returns an application with metrics and probes, for a port that is not public."""

    async def show_metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes([web.get("/metrics", show_metrics), *probes(is_ready)])
    return app
