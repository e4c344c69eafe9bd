"""Holding processes back to a part of a core, as if the machine had many more cores than it has."""

import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

SLICE_SECONDS = 0.02


@contextmanager
def held_back(pids: Sequence[int], share: float) -> Iterator[None]:
    """Lets each process run for `share` of the time only, in turns of a fiftieth of a second."""
    ended = threading.Event()
    threads = [threading.Thread(target=_hold_back, args=(pid, share, ended)) for pid in pids]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def _hold_back(pid: int, share: float, ended: threading.Event) -> None:
    while not ended.wait(SLICE_SECONDS * share):
        os.kill(pid, signal.SIGSTOP)
        ended.wait(SLICE_SECONDS * (1 - share))
        os.kill(pid, signal.SIGCONT)
