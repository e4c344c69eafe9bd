"""What `restart: unless-stopped` does: a process that dies is started again at once."""

import threading
from collections import Counter
from types import TracebackType
from typing import Self

from tests.support.stack import Process, Stack

POLL_SECONDS = 0.1


class Supervisor:
    """Restarts the dead processes of a stack until it is closed; those held down stay down."""

    def __init__(self, stack: Stack) -> None:
        self.deaths: Counter[str] = Counter()
        self._stack = stack
        self._held: set[Process] = set()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._thread.join()

    def hold(self, process: Process) -> None:
        """From now on a process stays down when it ends, until `release` or `start`."""
        with self._lock:
            self._held.add(process)

    def release(self, process: Process) -> None:
        """A process is restarted again."""
        with self._lock:
            self._held.discard(process)

    def start(self, process: Process, **environment: str) -> None:
        """Starts a process that was held, this once with other settings."""
        with self._lock:
            process.start(**environment)
            self._held.discard(process)

    def release_all(self) -> None:
        """Nothing is held any more."""
        with self._lock:
            self._held.clear()

    def _watch(self) -> None:
        while not self._closing.wait(POLL_SECONDS):
            with self._lock:
                dead = [p for p in self._stack.processes if p not in self._held and not p.is_running]
                for process in dead:
                    self.deaths[process.label] += 1
                    process.start()
