"""Cross-origin requests (CORS): an allow-list of origins, and a response to OPTIONS on every path."""

from collections.abc import Collection

from aiohttp import web

ALLOWED_HEADERS = (
    "Authorization, Content-Type, Device-Token, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID, "
    "X-Request-Id, traceparent"
)
EXPOSED_HEADERS = (
    "ETag, Idempotency-Replayed, Link, Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id"
)
PREFLIGHT_SECONDS = "600"


class Cors:
    """Lets pages of allowed origins read responses. There are no cookies, so credentials are not allowed."""

    def __init__(self, allowed_origins: Collection[str]) -> None:
        self._allowed = frozenset(allowed_origins)

    def headers(self, request: web.Request) -> dict[str, str]:
        """Returns the CORS headers of the response to a request."""
        if not self._allowed:
            return {}
        origin = request.headers.get("Origin")
        if origin is None or not ("*" in self._allowed or origin in self._allowed):
            return {"Vary": "Origin"}
        return {
            "Vary": "Origin",
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Expose-Headers": EXPOSED_HEADERS,
        }

    def preflight(self, request: web.Request, methods: Collection[str]) -> web.Response:
        """Responds to OPTIONS with the methods of a path, and for allowed origins with what they may send."""
        allow = ", ".join(sorted({*methods, "OPTIONS"}))
        headers = {"Allow": allow}
        if "Access-Control-Allow-Origin" in self.headers(request):
            headers["Access-Control-Allow-Methods"] = allow
            headers["Access-Control-Allow-Headers"] = ALLOWED_HEADERS
            headers["Access-Control-Max-Age"] = PREFLIGHT_SECONDS
        return web.Response(status=204, headers=headers)
