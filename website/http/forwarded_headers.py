"""What the API is told of a visitor: address, browser, and the id of the request."""

from aiohttp import web


def headers_of_visitor(request: web.Request, visit_id: str) -> dict[str, str]:
    """What the API shall know of the visitor: address, browser, and the id of this request."""
    hops = [*request.headers.getall("X-Forwarded-For", ()), request.remote or ""]
    headers = {
        "X-Request-Id": visit_id,
        "X-Forwarded-For": ascii_only(", ".join(hop for hop in hops if hop)),
        "User-Agent": ascii_only(request.headers.get("User-Agent", "web site")),
    }
    if (trace := request.headers.get("traceparent")) is not None:
        headers["traceparent"] = ascii_only(trace)
    return headers


def ascii_only(header: str) -> str:
    """A visitor's header that can be sent on; what no header may hold becomes question marks."""
    return header.encode("ascii", "replace").decode()
