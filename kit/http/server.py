"""aiohttp's server with a time limit for the head of a request, and without decompression of bodies."""

import asyncio
from collections.abc import Callable
from typing import Any

from aiohttp import web
from aiohttp.http import RawRequestMessage
from multidict import CIMultiDict, CIMultiDictProxy

from kit.http.patches import ConfigurableRunner, ConfigurableServer, ObservableConnection

HEAD_SECONDS = 10.0
KEEP_ALIVE_SECONDS = 75.0
MAX_HEADERS = 100
MAX_LINE_BYTES = 8190
MAX_HEAD_BYTES = 32 * 1024
CONTINUE = "100-continue"

Failure = BaseException | None
RequestFactory = Callable[..., web.BaseRequest]


class BoundedConnection(ObservableConnection):
    """A client connection that is closed when the head of a request does not arrive within HEAD_SECONDS.

    Without the limit a client could keep a connection open by never completing a head.
    """

    __slots__ = ("_head_timer",)

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Starts the timer of the first head."""
        super().connection_made(transport)
        self._start_head_timer()

    def data_received(self, data: bytes) -> None:
        """Stops the timer when a head is complete; starts it with the first bytes of the next one."""
        super().data_received(data)
        if self.has_request:
            self._stop_head_timer()
        elif self._head_timer is None:
            self._start_head_timer()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Responds to invalid HTTP and to failures outside of handlers, and closes the connection."""
        if request.writer.output_size > 0:
            raise ConnectionError("the response has been started")
        response = self.render_error(request, status, exc)
        response.force_close()
        return response

    def render_error(self, request: web.BaseRequest, status: int, error: Failure) -> web.Response:
        """Returns the response to such a request: 400, or 500 when it failed."""
        return web.Response(status=status)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Stops the timer."""
        self._stop_head_timer()
        super().connection_lost(exc)

    def _start_head_timer(self) -> None:
        self._head_timer = self.call_later(HEAD_SECONDS, self.force_close)

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


def is_head_too_long(request: web.BaseRequest) -> bool:
    """Whether the path and headers of a request have more than MAX_HEAD_BYTES together."""
    size = len(request.raw_path) + sum(len(name) + len(value) for name, value in request.raw_headers)
    return size > MAX_HEAD_BYTES


class _Server(ConfigurableServer):
    def __init__(
        self,
        handler: Any,
        connection: type[BoundedConnection],
        request_factory: RequestFactory,
        **options: Any,
    ) -> None:
        super().__init__(handler, request_factory=self._without_expectation, **options)
        self.connection = connection
        self._make_application_request = request_factory

    def _without_expectation(self, message: RawRequestMessage, *others: Any) -> web.BaseRequest:
        """Makes a request without an `Expect` header other than `100-continue` (RFC 9110, 10.1.1), which
        aiohttp would answer before the application sees the request."""
        if message.headers.get("Expect", CONTINUE).lower() != CONTINUE:
            kept = ((name, value) for name, value in message.headers.items() if name.lower() != "expect")
            message = message._replace(headers=CIMultiDictProxy(CIMultiDict(kept)))
        return self._make_application_request(message, *others)


class HttpRunner(ConfigurableRunner):
    """Serves an application over such connections. Bodies are not decompressed: they may be bombs."""

    connection: type[BoundedConnection] = BoundedConnection

    def __init__(self, app: web.Application, shutdown_timeout: float = 60.0, **options: Any) -> None:
        bounds: dict[str, Any] = {"auto_decompress": False, "keepalive_timeout": KEEP_ALIVE_SECONDS}
        bounds |= {
            "max_headers": MAX_HEADERS,
            "max_line_size": MAX_LINE_BYTES,
            "max_field_size": MAX_LINE_BYTES,
        }
        super().__init__(app, access_log=None, shutdown_timeout=shutdown_timeout, **bounds, **options)

    def make_server(self, handler: Any, **options: Any) -> web.Server:
        """Makes a server of such connections."""
        return _Server(handler, self.connection, **options)
