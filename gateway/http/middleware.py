"""From a declared route to an aiohttp handler, and the frame around every request."""

import functools
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import structlog
from aiohttp import web
from marshmallow import Schema
from prometheus_client import Counter, Histogram

from gateway.http import problems
from gateway.http.bodies import load_body, parse_form, parse_object, parse_text, query_reader, read_body
from gateway.http.problems import Problem
from gateway.http.request import Incoming
from gateway.http.response import Answer, is_fresh, not_modified, render
from gateway.metrics import REQUESTS, SECONDS
from gateway.routing.route import Kept, Limit, Reads, Route, Shape, Who
from kit.addresses import network_of
from kit.errors import Forbidden, RemoteFailure, ServiceError, Unauthenticated
from kit.http.body import sent_type
from kit.http.parsing import JSON_TYPE, is_clean_address
from kit.http.security_headers import HTTPS_ONLY
from kit.http.server import is_head_too_long
from kit.tracing import trace_id
from kit.validation import is_id
from services.accounts.contract import CURRENT_SESSION

if TYPE_CHECKING:
    from gateway.app import Gateway

log = structlog.get_logger(__name__)

AiohttpHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]
INCOMING = web.RequestKey("incoming", Incoming)
SECURITY_HEADERS = {
    "Server": "MicroTasks",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}
STRICT_POLICY = "default-src 'none'; frame-ancestors 'none'"
SHOWN_TO_ALL = ("active", "paused")
PROBES = ("show_health", "show_readiness")


class NoBody(Schema):
    """A writing request without content; an empty object is as good."""


def frame(gateway: "Gateway") -> Any:
    """The middleware around everything: ids, problems, common headers, one log line."""

    @web.middleware
    async def around(request: web.Request, handler: AiohttpHandler) -> web.StreamResponse:
        incoming = Incoming(request, gateway, gateway.addresses.of(request))
        request[INCOMING] = incoming
        try:
            if is_head_too_long(request):
                raise problems.bad_request("The address and the headers are too long.")
            if not is_clean_address(request.path):
                raise problems.not_found()
            response = await handler(request)
        except Exception as error:
            response = _refusal(incoming, error)
        if not response.prepared:
            stamp(incoming, response)
        _account_for(incoming, response.status)
        return response

    return around


def serve(gateway: "Gateway", route: Route) -> AiohttpHandler:
    """The aiohttp handler of a route: who, how often, what; then the handler's one call."""
    read_query = query_reader(route.query() if route.query is not None else None)
    body_schema = (route.body or NoBody)() if route.writes else None

    async def handle(request: web.Request) -> web.StreamResponse:
        incoming = request[INCOMING]
        incoming.route = route
        admit(gateway, incoming, route)
        incoming.path = _ids_in(request)
        incoming.query = dict(read_query(request.rel_url.raw_query_string))
        if body_schema is not None:
            await _take_body(incoming, route, body_schema)
        if route.kept is not Kept.NOT:
            return _respond(incoming, await _through_cache(gateway, incoming, route))
        outcome = await route.handler(incoming)
        if isinstance(outcome, web.StreamResponse):
            if not outcome.prepared:
                outcome.headers.setdefault("Cache-Control", route.storing.value)
            return outcome
        answer = render(route, outcome, request.path, request.rel_url.raw_query_string)
        return _respond(incoming, answer)

    return handle


def admit(gateway: "Gateway", incoming: Incoming, route: Route) -> None:
    """Finds out who calls, counts the request and refuses those who may not.

    A bad token counts against the address. Raises: Unauthenticated, TooMany, Forbidden.
    """
    refusal: Unauthenticated | None = None
    if route.looks_at_token:
        try:
            authorization = incoming.request.headers.get("Authorization")
            incoming.caller, incoming.token = gateway.authenticator.caller_of(authorization)
        except Unauthenticated as error:
            refusal = error
    caller = incoming.caller
    count_request(gateway, incoming, route.limit)
    if refusal is not None:
        raise refusal
    if route.who is not Who.ANYONE and caller is None:
        raise Unauthenticated("Sign in first.")
    if route.who is Who.STAFF and (caller is None or not caller.is_staff):
        raise Forbidden("Only staff may do this.")


def count_request(gateway: "Gateway", incoming: Incoming, limit: Limit) -> None:
    """Uses up one request of the caller's allowance. Raises: TooMany when there is none left."""
    whose = incoming.caller.id if incoming.caller is not None else network_of(incoming.address)
    incoming.allowance = gateway.limits.use(limit, whose)
    if incoming.allowance is not None:
        incoming.allowance.refuse_if_used_up()


def stamp(incoming: Incoming, response: web.StreamResponse) -> None:
    """Adds what every answer carries."""
    headers = response.headers
    headers["X-Request-Id"] = incoming.request_id
    if "Content-Security-Policy" not in headers:
        headers["Content-Security-Policy"] = STRICT_POLICY
    headers.extend(SECURITY_HEADERS)
    if incoming.gateway.settings.is_production:
        headers["Strict-Transport-Security"] = HTTPS_ONLY
    if incoming.allowance is not None:
        headers["RateLimit-Policy"] = incoming.allowance.policy
        headers["RateLimit"] = incoming.allowance.state
    for name, value in incoming.gateway.cors.headers(incoming.request).items():
        headers[name] = f"{headers[name]}, {value}" if name == "Vary" and name in headers else value
    if incoming.gateway.is_draining:
        response.force_close()


async def _take_body(incoming: Incoming, route: Route, schema: Schema) -> None:
    limit_bytes = incoming.gateway.settings.body_limit_bytes
    incoming.read_headers(route)
    is_form = route.reads is Reads.FORM and sent_type(incoming.request) == Reads.FORM.value
    raw = await read_body(incoming.request, limit_bytes, Reads.FORM.value if is_form else JSON_TYPE)
    if route.reads is Reads.TEXT:
        value = incoming.body = {"payload": parse_text(raw)}
    else:
        if not raw and route.body is not None:
            raise problems.unreadable_body("The body is missing: send a JSON object.")
        value = parse_form(raw) if is_form else parse_object(raw) if raw else {}
        incoming.body = load_body(schema, value)
    incoming.sign(value)


async def _through_cache(gateway: "Gateway", incoming: Incoming, route: Route) -> Answer:
    """A public answer, asked for only when it is not kept: what only an owner may see never is."""
    request = incoming.request
    key = next(iter(incoming.path.values())) if incoming.path else str(request.rel_url)
    kept = gateway.cache.get(route.kept, key)
    if kept is not None:
        return kept
    fill = gateway.cache.begin_fill(route.kept, key)
    reply = await route.handler(incoming)
    if isinstance(reply, web.StreamResponse):
        raise TypeError(f"{route.name} is kept and must answer with a Reply")
    answer = render(route, reply, request.path, request.rel_url.raw_query_string)
    may_depend_on_caller = route.shape is Shape.ONE and reply.result.get("status") not in SHOWN_TO_ALL
    if incoming.caller is None or not may_depend_on_caller:
        gateway.cache.put(fill, answer)
    return answer


def _respond(incoming: Incoming, answer: Answer) -> web.Response:
    if answer.etag and incoming.request.method in ("GET", "HEAD"):
        seen = incoming.request.headers.get("If-None-Match")
        if seen is not None and is_fresh(seen, answer.etag):
            answer = not_modified(answer)
    return web.Response(status=answer.status, body=answer.body or None, headers=answer.headers)


def _ids_in(request: web.Request) -> dict[str, str]:
    """The ids of the path; one that can be nobody's is refused here. Raises: Problem 404."""
    ids = dict(request.match_info)
    for name, value in ids.items():
        is_word = name == "session_id" and value == CURRENT_SESSION
        if name.endswith("_id") and not is_word and not is_id(value):
            raise problems.not_found()
    return ids


def _refusal(incoming: Incoming, error: Exception) -> web.Response:
    try:
        if incoming.route is None and incoming.request.path.startswith("/v1/"):
            count_request(incoming.gateway, incoming, Limit.GENERAL)
        problem = _problem_of(incoming, error)
    except ServiceError as too_many:
        problem = _problem_of(incoming, too_many)
    headers = {"Content-Type": problems.MEDIA_TYPE, "Cache-Control": "no-store", **problem.headers}
    body = problem.document(incoming.request.rel_url.raw_path, incoming.request_id)
    response = web.Response(status=problem.status, body=body, headers=headers)
    if headers.get("Connection") == "close":
        response.force_close()
    return response


def _problem_of(incoming: Incoming, error: Exception) -> Problem:
    match error:
        case Problem():
            return error
        case ServiceError():
            route = incoming.route
            names = route.query().fields if route is not None and route.query is not None else ()
            return problems.from_service(error, names)
        case web.HTTPMethodNotAllowed():
            return problems.method_not_allowed(error.allowed_methods)
        case web.HTTPNotFound():
            return problems.not_found()
        case web.HTTPException() if error.status < 500:
            return problems.bad_request(error.reason)
    if isinstance(error, ConnectionError):
        return problems.bad_request("The connection was lost.")
    call = "call_failed" if isinstance(error, RemoteFailure) else "request_failed"
    log.error(call, request_id=incoming.request_id, exc_info=error)
    return problems.internal()


@functools.cache
def _meters(route: str, status: int) -> tuple[Counter, Histogram]:
    return REQUESTS.labels(route, str(status)), SECONDS.labels(route)


def _account_for(incoming: Incoming, status: int) -> None:
    seconds = time.perf_counter() - incoming.started
    route = incoming.route.name if incoming.route is not None else "none"
    count, duration = _meters(route, status)
    count.inc()
    duration.observe(seconds)
    access_log = incoming.gateway.access_log
    # Somebody looks at these every second: only what is wrong is worth a line.
    write = access_log.debug if route in PROBES and status == web.HTTPOk.status_code else access_log.info
    write(
        "request",
        method=incoming.request.method,
        path=incoming.request.path,
        route=route,
        status=status,
        milliseconds=round(seconds * 1000, 1),
        request_id=incoming.request_id,
        trace_id=trace_id(incoming.traceparent),
        account_id=incoming.caller.id if incoming.caller is not None else None,
        address=incoming.address,
    )
