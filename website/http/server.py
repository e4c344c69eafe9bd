"""What the site answers when something never became a request."""

import structlog
from aiohttp import web

from kit.http.server import BoundedConnection, Failure, HttpRunner
from website.http.middleware import SECURITY_HEADERS

log = structlog.get_logger(__name__)


class SiteConnection(BoundedConnection):
    """One browser's connection."""

    __slots__ = ()

    def render_error(self, request: web.BaseRequest, status: int, error: Failure) -> web.Response:
        """A line of text: no browser of a person sends this."""
        log.info("unreadable_request", address=request.remote, error=repr(error))
        text = "This request could not be read." if status < 500 else "Something went wrong on our side."
        return web.Response(
            status=status, text=text, headers={**SECURITY_HEADERS, "Cache-Control": "no-store"}
        )


class SiteRunner(HttpRunner):
    """Serves the site over such connections."""

    connection = SiteConnection
