"""aiohttp's server with what it lacks: a time limit for the head of a request, and bodies left as sent."""

import asyncio
from typing import Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

HEAD_SECONDS = 10.0
KEEP_ALIVE_SECONDS = 75.0


class BoundedConnection(RequestHandler):
    """A client connection that is closed when a request's head does not arrive within HEAD_SECONDS.

    Without it a client that sends half a head holds its connection for as long as it likes.
    """

    __slots__ = ("_head_timer",)

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The first head is awaited from now on."""
        super().connection_made(transport)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        """A whole head ends the wait; part of the next one begins another."""
        super().data_received(data)
        if self._messages or self._request_in_progress:
            self._stop_waiting()
        elif self._head_timer is None:
            self._await_head()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Nothing is awaited any more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _await_head(self) -> None:
        self._head_timer = self._loop.call_later(HEAD_SECONDS, self.force_close)

    def _stop_waiting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


class _Server(web.Server):
    connection: type[BoundedConnection] = BoundedConnection

    def __call__(self) -> RequestHandler:
        return self.connection(self, loop=self._loop, **self._kwargs)


class HttpRunner(web.AppRunner):
    """Serves an application over such connections. A compressed body is not opened: it may be a bomb."""

    connection: type[BoundedConnection] = BoundedConnection

    def __init__(self, app: web.Application, shutdown_timeout: float = 60.0, **options: Any) -> None:
        bounds: dict[str, Any] = {"auto_decompress": False, "keepalive_timeout": KEEP_ALIVE_SECONDS}
        super().__init__(app, access_log=None, shutdown_timeout=shutdown_timeout, **bounds, **options)

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        server = _Server(
            made.request_handler, request_factory=made.request_factory, loop=made._loop, **made._kwargs
        )
        server.handler_cancellation = made.handler_cancellation
        server.connection = self.connection
        return server
