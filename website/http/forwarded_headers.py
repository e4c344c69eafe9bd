"""The headers that tell the API about a visitor: address, browser, and the id of the request."""

from aiohttp import web


def forwarded_headers(request: web.Request, request_id: str) -> dict[str, str]:
    """Returns the headers of every call to the API for this request."""
    hops = [*request.headers.getall("X-Forwarded-For", ()), request.remote or ""]
    headers = {
        "X-Request-Id": request_id,
        "X-Forwarded-For": ascii_only(", ".join(hop for hop in hops if hop)),
        "User-Agent": ascii_only(request.headers.get("User-Agent", "web site")),
    }
    if (trace := request.headers.get("traceparent")) is not None:
        headers["traceparent"] = ascii_only(trace)
    return headers


def ascii_only(header: str) -> str:
    """Returns a header that can be forwarded; other characters than ASCII become question marks."""
    return header.encode("ascii", "replace").decode()
