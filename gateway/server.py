"""aiohttp's server, made to answer even unreadable HTTP with a problem, and to leave bodies as sent."""

import uuid
from typing import Any

import structlog
from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from gateway.problems import MEDIA_TYPE, bad_request, internal
from kit.addresses import canonical_address

log = structlog.get_logger(__name__)

KEEP_ALIVE_SECONDS = 75.0


class GatewayConnection(RequestHandler):
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


class GatewayServer(web.Server):
    """Makes such connections."""

    def __call__(self) -> RequestHandler:
        """A new connection."""
        return GatewayConnection(self, loop=self._loop, **self._kwargs)


class GatewayRunner(web.AppRunner):
    """Serves an application so. Compressed bodies stay compressed: they are refused, not opened."""

    def __init__(self, app: web.Application, shutdown_timeout: float = 60.0) -> None:
        options: dict[str, Any] = {"auto_decompress": False, "keepalive_timeout": KEEP_ALIVE_SECONDS}
        super().__init__(app, access_log=None, shutdown_timeout=shutdown_timeout, **options)

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return GatewayServer(
            made.request_handler, request_factory=made.request_factory, loop=made._loop, **made._kwargs
        )
