"""What happens to every request, whatever its route: a context, errors as problems, standard headers,
and one record in the metrics and the access log."""

import functools
import time

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from prometheus_client import Counter, Histogram

from gateway.http import problems
from gateway.http.problems import Problem
from gateway.http.request import CONTEXT, RequestContext
from gateway.http.standard_headers import add_standard_headers
from gateway.metrics import REQUESTS, SECONDS
from gateway.routing.policies import RateLimit
from gateway.state import Gateway
from kit.errors import RemoteFailure, ServiceError
from kit.http.parsing import is_clean_address
from kit.http.server import is_head_too_long
from kit.tracing import trace_id

log = structlog.get_logger(__name__)

PROBES = ("show_health", "show_readiness")


def create_middleware(gateway: Gateway) -> Middleware:
    """Returns the one middleware of the application."""

    @web.middleware
    async def process_request(request: web.Request, handler: Handler) -> web.StreamResponse:
        context = RequestContext(request, gateway, gateway.client_addresses.resolve(request))
        request[CONTEXT] = context
        try:
            if is_head_too_long(request):
                raise problems.bad_request("The address and the headers are too long.")
            if not is_clean_address(request.path):
                raise problems.not_found()
            response = await handler(request)
        except Exception as error:
            response = _problem_response(context, error)
        if not response.prepared:
            add_standard_headers(context, response)
        record_request(context, response.status)
        return response

    return process_request


def _problem_response(context: RequestContext, error: Exception) -> web.Response:
    try:
        if not context.operation_id and context.request.path.startswith("/v1/"):
            context.count_against(RateLimit.GENERAL)
        problem = _problem_of(context, error)
    except ServiceError as too_many:
        problem = problems.from_service(too_many)
    headers = {"Content-Type": problems.MEDIA_TYPE, "Cache-Control": "no-store", **problem.headers}
    body = problem.document(context.request.rel_url.raw_path, context.request_id)
    response = web.Response(status=problem.status, body=body, headers=headers)
    if headers.get("Connection") == "close":
        response.force_close()
    return response


def _problem_of(context: RequestContext, error: Exception) -> Problem:
    match error:
        case Problem():
            return error
        case web.HTTPMethodNotAllowed():
            return problems.method_not_allowed(error.allowed_methods)
        case web.HTTPNotFound():
            return problems.not_found()
        case web.HTTPException() if error.status < 500:
            return problems.bad_request(error.reason)
    if isinstance(error, ConnectionError):
        return problems.bad_request("The connection was lost.")
    event = "call_failed" if isinstance(error, RemoteFailure) else "request_failed"
    log.error(event, request_id=context.request_id, exc_info=error)
    return problems.internal()


@functools.cache
def _metrics_of(operation_id: str, status: int) -> tuple[Counter, Histogram]:
    return REQUESTS.labels(operation_id, str(status)), SECONDS.labels(operation_id)


def record_request(context: RequestContext, status: int) -> None:
    """Counts and times a finished request, and writes its line of the access log."""
    seconds = time.perf_counter() - context.started
    operation_id = context.operation_id or "none"
    count, duration = _metrics_of(operation_id, status)
    count.inc()
    duration.observe(seconds)
    access_log = context.gateway.access_log
    # Probes arrive every second: those that succeed are logged at debug level.
    is_quiet = operation_id in PROBES and status == web.HTTPOk.status_code
    write = access_log.debug if is_quiet else access_log.info
    write(
        "request",
        method=context.request.method,
        path=context.request.path,
        route=operation_id,
        status=status,
        milliseconds=round(seconds * 1000, 1),
        request_id=context.request_id,
        trace_id=trace_id(context.traceparent),
        account_id=context.caller.id if context.caller is not None else None,
        address=context.address,
    )
