"""Private parts of aiohttp 3.14 that kit relies on, each with the reason. No other module touches any."""

import asyncio
from collections.abc import Callable
from typing import Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler


class ObservableConnection(RequestHandler):
    """A connection that reports how much of a request it has received, which aiohttp does not publish."""

    __slots__ = ()

    @property
    def has_request(self) -> bool:
        """Whether the head of a request has arrived completely and is not answered yet."""
        return bool(self._messages or self._request_in_progress)

    def call_later(self, seconds: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
        """Calls back on the connection's event loop."""
        return self._loop.call_later(seconds, callback)


class ConfigurableServer(web.Server):
    """A server whose class of connections can be chosen: aiohttp's always makes `RequestHandler`."""

    connection: type[RequestHandler] = RequestHandler

    def __call__(self) -> RequestHandler:
        """Makes the handler of one more connection."""
        return self.connection(self, loop=self._loop, **self._kwargs)


class ConfigurableRunner(web.AppRunner):
    """A runner whose server can be chosen: aiohttp's application always makes `web.Server`."""

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return self.make_server(
            made.request_handler,
            request_factory=made.request_factory,
            handler_cancellation=made.handler_cancellation,
            loop=made._loop,
            **made._kwargs,
        )

    def make_server(self, handler: Any, **options: Any) -> web.Server:
        """Makes the server of the application; for classes that inherit."""
        return web.Server(handler, **options)
