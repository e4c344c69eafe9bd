"""aiohttp's server, made to answer even unreadable HTTP with a problem."""

import uuid

import structlog
from aiohttp import web

from gateway.problems import MEDIA_TYPE, bad_request, internal
from kit.addresses import canonical_address
from kit.http.server import BoundedConnection, HttpRunner

log = structlog.get_logger(__name__)


class GatewayConnection(BoundedConnection):
    """One client connection."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """What cannot be parsed as HTTP, or failed outside of every handler."""
        if request.writer.output_size > 0:
            raise ConnectionError("the answer has begun")
        request_id = uuid.uuid4().hex
        problem = (
            internal() if status == internal().status else bad_request("This is not HTTP as we read it.")
        )
        address = canonical_address(request.remote or "")
        log.info("unreadable_request", request_id=request_id, address=address, error=repr(exc))
        body = problem.document("", request_id)
        response = web.Response(status=problem.status, body=body, headers={"Content-Type": MEDIA_TYPE})
        response.force_close()
        return response


class GatewayRunner(HttpRunner):
    """Serves the gateway over such connections."""

    connection = GatewayConnection
