"""From a route to its response: checks what the route declares, calls its handler, renders the result."""

from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler
from marshmallow import Schema

from gateway.http import problems
from gateway.http.bodies import load_body, parse_form, parse_object, parse_text, query_reader, read_body
from gateway.http.request import CONTEXT, RequestContext
from gateway.http.response import (
    JSON,
    Answer,
    entity_tag,
    is_fresh,
    next_page_link,
    not_modified,
)
from gateway.routing.policies import Access, BodyFormat, CacheControl, CacheRegion, ResponseKind
from gateway.routing.route import Route
from gateway.upstream.rpc_client import Reply
from kit.errors import Forbidden, ServiceError, Unauthenticated
from kit.http.body import sent_type
from kit.http.parsing import JSON_TYPE
from kit.json_bytes import json_bytes
from kit.validation import is_id
from services.accounts.contract import CURRENT_SESSION

PUBLIC_STATUSES = ("active", "paused")


class EmptyBody(Schema):
    """The body of a writing request that has no content; an empty object is accepted too."""


def handler_for(route: Route) -> Handler:
    """Returns the aiohttp handler of a route.

    It raises Problem for everything that is refused, by the gateway or by a service.
    """
    read_query = query_reader(route.query() if route.query is not None else None)
    query_parameters = frozenset(route.query().fields) if route.query is not None else frozenset()
    body_schema = (route.body or EmptyBody)() if route.writes else None

    async def handle(request: web.Request) -> web.StreamResponse:
        context = request[CONTEXT]
        context.operation_id = route.operation_id
        try:
            admit(context, route)
            context.path = _path_parameters(request)
            context.query = dict(read_query(request.rel_url.raw_query_string))
            if body_schema is not None:
                await _read_body(context, route, body_schema)
            return await _call_handler(context, route)
        except ServiceError as error:
            raise problems.from_service(error, query_parameters) from error

    return handle


def admit(context: RequestContext, route: Route) -> None:
    """Authenticates the caller, counts the request and checks the route's access.

    A request with an invalid token counts against its address. Raises: Unauthenticated, TooMany, Forbidden.
    """
    refusal: Unauthenticated | None = None
    if route.authenticates:
        try:
            context.authenticate()
        except Unauthenticated as error:
            refusal = error
    context.count_against(route.rate_limit)
    if refusal is not None:
        raise refusal
    caller = context.caller
    if route.access is not Access.ANYONE and caller is None:
        raise Unauthenticated("Sign in first.")
    if route.access is Access.STAFF and (caller is None or not caller.is_staff):
        raise Forbidden("Only staff may do this.")


def _path_parameters(request: web.Request) -> dict[str, str]:
    """The parameters of the path. Raises: Problem 404 for an id that is malformed."""
    parameters = dict(request.match_info)
    for name, value in parameters.items():
        is_keyword = name == "session_id" and value == CURRENT_SESSION
        if name.endswith("_id") and not is_keyword and not is_id(value):
            raise problems.not_found()
    return parameters


async def _read_body(context: RequestContext, route: Route, schema: Schema) -> None:
    limit_bytes = context.gateway.settings.body_limit_bytes
    context.read_headers(route.idempotency_key, route.if_match)
    is_form = route.body_format is BodyFormat.FORM and sent_type(context.request) == BodyFormat.FORM.value
    raw = await read_body(context.request, limit_bytes, BodyFormat.FORM.value if is_form else JSON_TYPE)
    value: dict[str, Any]
    if route.body_format is BodyFormat.TEXT:
        value = context.body = {"payload": parse_text(raw)}
    else:
        if not raw and route.body is not None:
            raise problems.unreadable_body("The body is missing: send a JSON object.")
        value = dict(parse_form(raw)) if is_form else parse_object(raw) if raw else {}
        context.body = load_body(schema, value)
    context.compute_fingerprint(value)


async def _call_handler(context: RequestContext, route: Route) -> web.StreamResponse:
    if route.cache_region is not CacheRegion.NONE:
        return _respond(context, await _answer_through_cache(context, route))
    outcome = await route.handler(context)
    if isinstance(outcome, web.StreamResponse):
        if not outcome.prepared:
            outcome.headers.setdefault("Cache-Control", route.cache_control.value)
        return outcome
    return _respond(context, render(route, outcome, context.request))


async def _answer_through_cache(context: RequestContext, route: Route) -> Answer:
    """Returns the cached answer, or calls the handler. Only what everyone may see is stored."""
    request, cache = context.request, context.gateway.cache
    key = next(iter(context.path.values())) if context.path else str(request.rel_url)
    cached = cache.get(route.cache_region, key)
    if cached is not None:
        return cached
    fill = cache.begin_fill(route.cache_region, key)
    reply = await route.handler(context)
    if isinstance(reply, web.StreamResponse):
        raise TypeError(f"{route.operation_id} is cached, so its handler must return a Reply")
    answer = render(route, reply, request)
    if context.caller is None or _is_the_same_for_everyone(route, reply):
        cache.put(fill, answer)
    return answer


def _is_the_same_for_everyone(route: Route, reply: Reply) -> bool:
    # A single service is visible to its owner in every status.
    return route.response_kind is not ResponseKind.RESOURCE or reply.result.get("status") in PUBLIC_STATUSES


def render(route: Route, reply: Reply, request: web.Request) -> Answer:
    """Renders a service's reply as the route declares."""
    headers = {"Cache-Control": route.cache_control.value}
    if route.cache_control in (CacheControl.PRIVATE, CacheControl.NO_STORE):
        headers["Vary"] = "Authorization"
    if reply.replayed:
        headers["Idempotency-Replayed"] = "true"
    if route.response_kind is ResponseKind.EMPTY:
        return Answer(route.status, b"", headers)
    headers["Content-Type"] = JSON
    result = reply.result
    if route.response_kind is ResponseKind.PAGE:
        cursor = result.get("next_cursor")
        if cursor is not None:
            headers["Link"] = next_page_link(request.path, request.rel_url.raw_query_string, cursor)
        page = {"next_cursor": cursor, "has_more": cursor is not None}
        result = {"data": result["data"], "page": page}
    body = json_bytes(result)
    if route.response_kind is not ResponseKind.RESOURCE:
        return Answer(route.status, body, headers)
    headers["ETag"] = etag = entity_tag(result, body)
    if route.location is not None:
        headers["Location"] = route.location.format_map(result)
    return Answer(route.status, body, headers, etag)


def _respond(context: RequestContext, answer: Answer) -> web.Response:
    if answer.etag and context.request.method in ("GET", "HEAD"):
        if_none_match = context.request.headers.get("If-None-Match")
        if if_none_match is not None and is_fresh(if_none_match, answer.etag):
            answer = not_modified(answer)
    return web.Response(status=answer.status, body=answer.body or None, headers=answer.headers)
