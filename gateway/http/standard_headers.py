"""The headers that every response of the gateway has."""

from aiohttp import web

from gateway.http.request import RequestContext
from kit.http.security_headers import HTTPS_ONLY

SECURITY_HEADERS = {
    "Server": "MicroTasks",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}
STRICT_POLICY = "default-src 'none'; frame-ancestors 'none'"


def add_standard_headers(context: RequestContext, response: web.StreamResponse) -> None:
    """Adds request id, security, rate limit and CORS headers to a response that was not sent yet."""
    headers = response.headers
    headers["X-Request-Id"] = context.request_id
    if "Content-Security-Policy" not in headers:
        headers["Content-Security-Policy"] = STRICT_POLICY
    headers.extend(SECURITY_HEADERS)
    if context.gateway.settings.is_production:
        headers["Strict-Transport-Security"] = HTTPS_ONLY
    if context.allowance is not None:
        headers["RateLimit-Policy"] = context.allowance.policy
        headers["RateLimit"] = context.allowance.state
    for name, value in context.gateway.cors.headers(context.request).items():
        headers[name] = f"{headers[name]}, {value}" if name == "Vary" and name in headers else value
    if context.gateway.is_draining:
        response.force_close()
