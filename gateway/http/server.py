"""aiohttp's server, which responds with a problem even to what is not HTTP."""

import uuid

import structlog
from aiohttp import web

from gateway.http.problems import MEDIA_TYPE, bad_request, internal
from gateway.http.standard_headers import SECURITY_HEADERS
from kit.http.addresses import canonical_address
from kit.http.server import BoundedConnection, Failure, HttpRunner

log = structlog.get_logger(__name__)


class GatewayConnection(BoundedConnection):
    """One client connection."""

    __slots__ = ()

    def render_error(self, request: web.BaseRequest, status: int, error: Failure) -> web.Response:
        """Returns a problem, as for every error."""
        request_id = uuid.uuid4().hex
        problem = bad_request("The request is not valid HTTP.") if status < 500 else internal()
        address = canonical_address(request.remote or "")
        log.info("unreadable_request", request_id=request_id, address=address, error=repr(error))
        headers = {**SECURITY_HEADERS, "Content-Type": MEDIA_TYPE, "X-Request-Id": request_id}
        body = problem.document("", request_id)
        return web.Response(status=problem.status, body=body, headers=headers)


class GatewayRunner(HttpRunner):
    """Serves the gateway over such connections."""

    connection = GatewayConnection
