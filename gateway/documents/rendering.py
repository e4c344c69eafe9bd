"""Rendering of documents in threads beside the event loop, with a limit per account."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from kit.errors import TooMany, Unavailable

MAX_QUEUED = 20
MAX_PER_ACCOUNT = 2
RETRY_AFTER_SECONDS = 5
T = TypeVar("T")


class RenderingQueue:
    """Renders documents one after the other in one thread.

    Each account has at most `MAX_PER_ACCOUNT` of them in the queue, whether or not its client still waits.
    """

    def __init__(self, name: str) -> None:
        self._thread = ThreadPoolExecutor(1, name)
        self._accounts: Counter[str] = Counter()  # changed by the event loop's thread only

    async def run(self, account_id: str, render: Callable[[], T]) -> T:
        """Returns what `render` returns.

        Raises: TooMany when the account has its maximum in the queue, Unavailable when the queue is full.
        """
        self._reserve(account_id)
        try:
            rendering = self._thread.submit(render)
        except RuntimeError as error:  # the gateway is stopping
            self._release(account_id)
            raise Unavailable("The gateway is stopping.", code="busy") from error
        loop = asyncio.get_running_loop()
        rendering.add_done_callback(lambda _: self._release_soon(loop, account_id))
        return await asyncio.wrap_future(rendering)

    def close(self) -> None:
        """Ends the thread after the current document."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _reserve(self, account_id: str) -> None:
        if self._accounts[account_id] >= MAX_PER_ACCOUNT:
            detail = f"At most {MAX_PER_ACCOUNT} documents at a time are rendered for one account."
            raise TooMany(detail, code="too_many_documents", retry_after_seconds=RETRY_AFTER_SECONDS)
        if self._accounts.total() >= MAX_QUEUED:
            raise Unavailable("Too many documents are being rendered.", code="busy")
        self._accounts[account_id] += 1

    def _release_soon(self, loop: asyncio.AbstractEventLoop, account_id: str) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended, and the gateway with it
            loop.call_soon_threadsafe(self._release, account_id)

    def _release(self, account_id: str) -> None:
        self._accounts[account_id] -= 1
        if not self._accounts[account_id]:
            del self._accounts[account_id]


class DocumentRenderer:
    """Renders the documents of a gateway: PDFs in one thread, because ReportLab's fonts are shared, and
    HTML in another, because it takes a hundredth of the time."""

    def __init__(self) -> None:
        self.pdfs = RenderingQueue("pdfs")
        self.pages = RenderingQueue("pages")

    def close(self) -> None:
        """Ends both threads after their current documents."""
        self.pdfs.close()
        self.pages.close()
