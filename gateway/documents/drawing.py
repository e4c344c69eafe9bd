"""Drawing in a thread of its own, one document after the other, so that the event loop goes on."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from kit.errors import Unavailable

MOST_WAITING = 20
T = TypeVar("T")


class Drawing:
    """Draws for every request of a gateway. ReportLab's fonts are shared, hence the one thread."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "drawing")
        self._waiting = 0

    async def draw(self, draw: Callable[[], T]) -> T:
        """What `draw` returns. Raises: Unavailable when too many documents wait already."""
        if self._waiting >= MOST_WAITING:
            raise Unavailable("Too many documents are being drawn.", code="busy")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, draw)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Ends the thread after what it is drawing."""
        self._thread.shutdown(wait=False, cancel_futures=True)
