"""The site's HTTP server, and its response to what is not a valid request."""

import structlog
from aiohttp import web

from kit.http.server import BoundedConnection, Failure, HttpRunner
from website.http.middleware import SECURITY_HEADERS

log = structlog.get_logger(__name__)


class SiteConnection(BoundedConnection):
    """One connection."""

    __slots__ = ()

    def render_error(self, request: web.BaseRequest, status: int, error: Failure) -> web.Response:
        """Returns a line of plain text: browsers do not send such requests."""
        log.info("unreadable_request", address=request.remote, error=repr(error))
        text = "This request could not be read." if status < 500 else "Something went wrong on our side."
        return web.Response(
            status=status, text=text, headers={**SECURITY_HEADERS, "Cache-Control": "no-store"}
        )


class SiteRunner(HttpRunner):
    """Runs the site's application."""

    connection = SiteConnection
