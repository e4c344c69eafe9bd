"""What every page of the site shares."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import aiohttp
import structlog
from jinja2 import Environment

from client import Problem, Unreachable
from website.assets import Assets
from website.security.account_signatures import Owners
from website.security.pending_forms import UnsentForms
from website.security.sessions import Sessions
from website.settings import WebSettings
from website.views.earnings import ClosedMonths
from website.views.rendering import make_environment

log = structlog.get_logger(__name__)

API_SECONDS = 12.0
LOST = (Problem, Unreachable, aiohttp.ClientError, TimeoutError)  # what a page can do without


class Site:
    """Settings, cookies, templates, files, and the connections to the API."""

    def __init__(self, settings: WebSettings) -> None:
        self.settings = settings
        self.sessions = Sessions(settings.secrets, settings.is_secure, settings.port)
        self.owners = Owners(settings.secrets)
        self.unsent = UnsentForms(settings.secrets)
        self.assets = Assets()
        self.closed_months = ClosedMonths()
        self.templates: Environment = make_environment(self.assets)
        self.is_draining = False
        self._http: aiohttp.ClientSession | None = None
        self._later: set[asyncio.Task[None]] = set()
        self._streams: set[asyncio.Task[object]] = set()

    @property
    def http(self) -> aiohttp.ClientSession:
        """The connections to the API, shared by all visitors; no cookie is kept."""
        if self._http is None:
            self._http = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=API_SECONDS),
                connector=aiohttp.TCPConnector(limit=0),  # each open stream needs one
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._http

    def add_stream(self) -> None:
        """The running task is an event stream from here on, which ends with the site."""
        if (task := asyncio.current_task()) is not None:
            self._streams.add(task)
            task.add_done_callback(self._streams.discard)

    def end_streams(self) -> None:
        """Ends the event streams; browsers come back, to another process."""
        for task in self._streams:
            task.cancel()

    def do_later(self, work: Coroutine[Any, Any, object]) -> None:
        """Does something that no answer waits for; should it fail, the next visit does it."""

        async def quietly() -> None:
            try:
                await work
            except LOST as error:
                log.info("background_task_failed", error=repr(error))

        task = asyncio.create_task(quietly())
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    async def close(self) -> None:
        """Ends what is under way and closes the connections."""
        await asyncio.gather(*self._later, return_exceptions=True)
        if self._http is not None:
            await self._http.close()
            self._http = None
