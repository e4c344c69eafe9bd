"""Drawing in threads, so that the event loop goes on, with a share for each account."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from kit.errors import TooMany, Unavailable

MOST_WAITING = 20
SHARE_PER_ACCOUNT = 2
TRY_AGAIN_SECONDS = 5
T = TypeVar("T")


class DrawingQueue:
    """Documents drawn one after the other, in one thread. Each account has at most its share of them
    waiting or being drawn, whether or not it still waits for the answer."""

    def __init__(self, name: str) -> None:
        self._thread = ThreadPoolExecutor(1, name)
        self._accounts: Counter[str] = Counter()  # changed by the event loop's thread only

    async def draw(self, account_id: str, draw: Callable[[], T]) -> T:
        """What `draw` returns.

        Raises: TooMany when the account has its share already, Unavailable when too many documents
        wait altogether.
        """
        self._enter(account_id)
        try:
            drawing = self._thread.submit(draw)
        except RuntimeError as error:  # the gateway is stopping
            self._leave(account_id)
            raise Unavailable("The gateway is stopping.", code="busy") from error
        loop = asyncio.get_running_loop()
        drawing.add_done_callback(lambda _: self._leave_soon(loop, account_id))
        return await asyncio.wrap_future(drawing)

    def close(self) -> None:
        """Ends the thread after what it is drawing."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _enter(self, account_id: str) -> None:
        if self._accounts[account_id] >= SHARE_PER_ACCOUNT:
            detail = f"At most {SHARE_PER_ACCOUNT} documents at a time are drawn for one account."
            raise TooMany(detail, code="too_many_documents", retry_after_seconds=TRY_AGAIN_SECONDS)
        if self._accounts.total() >= MOST_WAITING:
            raise Unavailable("Too many documents are being drawn.", code="busy")
        self._accounts[account_id] += 1

    def _leave_soon(self, loop: asyncio.AbstractEventLoop, account_id: str) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended, and the gateway with it
            loop.call_soon_threadsafe(self._leave, account_id)

    def _leave(self, account_id: str) -> None:
        self._accounts[account_id] -= 1
        if not self._accounts[account_id]:
            del self._accounts[account_id]


class Drawing:
    """What draws for every request of a gateway. ReportLab's fonts are shared, hence one thread for all
    PDFs; pages have a thread of their own, since one is drawn a hundred times sooner."""

    def __init__(self) -> None:
        self.pdfs = DrawingQueue("pdfs")
        self.pages = DrawingQueue("pages")

    def close(self) -> None:
        """Ends both threads after what they are drawing."""
        self.pdfs.close()
        self.pages.close()
