"""The objects that all pages of the site share."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import aiohttp
import structlog
from jinja2 import Environment

from client import Problem, Unreachable
from website.assets import Assets
from website.security.account_signatures import AccountSigner
from website.security.pending_forms import PendingForms
from website.security.sessions import SessionCookies
from website.settings import WebSettings
from website.views.earnings import ClosedMonths
from website.views.rendering import make_environment

log = structlog.get_logger(__name__)

API_SECONDS = 12.0
API_ERRORS = (Problem, Unreachable, aiohttp.ClientError, TimeoutError)  # of a call that a page can do without


class Site:
    """Settings, cookies, templates, static files, and the connections to the API."""

    def __init__(self, settings: WebSettings) -> None:
        self.settings = settings
        self.sessions = SessionCookies(settings.secrets, settings.is_secure, settings.port)
        self.account_signer = AccountSigner(settings.secrets)
        self.pending_forms = PendingForms(settings.secrets)
        self.assets = Assets()
        self.closed_months = ClosedMonths()
        self.templates: Environment = make_environment(self.assets)
        self.is_draining = False
        self._http: aiohttp.ClientSession | None = None
        self._background_tasks: set[asyncio.Task[None]] = set()
        self._streams: set[asyncio.Task[object]] = set()

    @property
    def http(self) -> aiohttp.ClientSession:
        """The connections to the API, shared by all visitors; cookies are not stored."""
        if self._http is None:
            self._http = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=API_SECONDS),
                connector=aiohttp.TCPConnector(limit=0),  # each open stream needs one
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._http

    def add_stream(self) -> None:
        """Registers the current task as an event stream, to be cancelled when the site stops."""
        if (task := asyncio.current_task()) is not None:
            self._streams.add(task)
            task.add_done_callback(self._streams.discard)

    def end_streams(self) -> None:
        """Cancels the event streams; browsers reconnect, to another process."""
        for task in self._streams:
            task.cancel()

    def run_in_background(self, work: Coroutine[Any, Any, object]) -> None:
        """Runs a task that no response waits for; a failure of the API is logged only."""

        async def run_logged() -> None:
            try:
                await work
            except API_ERRORS as error:
                log.info("background_task_failed", error=repr(error))

        task = asyncio.create_task(run_logged())
        self._background_tasks.add(task)
        task.add_done_callback(self._background_tasks.discard)

    async def close(self) -> None:
        """Waits for background tasks and closes the connections."""
        await asyncio.gather(*self._background_tasks, return_exceptions=True)
        if self._http is not None:
            await self._http.close()
            self._http = None
