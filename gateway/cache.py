"""Public answers of the catalog, kept until a service changes, 30 seconds at most.

Only what anybody would get is kept. A fill that began before an invalidation is thrown away, since
its answer may be from before the change.
"""

import time
from collections import OrderedDict
from collections.abc import Callable

from gateway.answers import Answer
from gateway.metrics import CACHE
from gateway.routes import Kept

MAX_SHELF_BYTES = 32 * 1024 * 1024


class Cache:
    """Two bounded shelves, single services and lists; the least recently used go first."""

    def __init__(self, seconds: float, entries: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._entries = entries
        self._clock = clock
        self._shelves: dict[Kept, OrderedDict[str, tuple[float, Answer]]] = {
            Kept.SERVICE: OrderedDict(),
            Kept.LISTING: OrderedDict(),
        }
        self._sizes = dict.fromkeys(self._shelves, 0)
        self._generation = 0

    def get(self, shelf: Kept, key: str) -> Answer | None:
        """What is kept under a key, if it is not too old."""
        found = self._shelves[shelf].get(key)
        if found is None or found[0] <= self._clock():
            _MISS.inc()
            return None
        self._shelves[shelf].move_to_end(key)
        _HIT.inc()
        return found[1]

    def begin_fill(self) -> int:
        """A ticket for `put`, taken before the services are asked."""
        return self._generation

    def put(self, ticket: int, shelf: Kept, key: str, answer: Answer) -> None:
        """Keeps an answer, unless something was dropped since the ticket was taken."""
        if ticket != self._generation or self._seconds <= 0:
            return
        kept = self._shelves[shelf]
        self._drop(shelf, key)
        kept[key] = (self._clock() + self._seconds, answer)
        self._sizes[shelf] += _size(key, answer)
        while len(kept) > self._entries or self._sizes[shelf] > MAX_SHELF_BYTES:
            self._drop(shelf, next(iter(kept)))

    def drop_service(self, service_id: str) -> None:
        """A service changed: it and every list go."""
        self._generation += 1
        self._drop(Kept.SERVICE, service_id)
        self._empty(Kept.LISTING)

    def clear(self) -> None:
        """Changes may have been missed: everything goes."""
        self._generation += 1
        for shelf in self._shelves:
            self._empty(shelf)

    def _drop(self, shelf: Kept, key: str) -> None:
        found = self._shelves[shelf].pop(key, None)
        if found is not None:
            self._sizes[shelf] -= _size(key, found[1])

    def _empty(self, shelf: Kept) -> None:
        self._shelves[shelf].clear()
        self._sizes[shelf] = 0


def _size(key: str, answer: Answer) -> int:
    return len(key) + len(answer.body)


_MISS = CACHE.labels("miss")
_HIT = CACHE.labels("hit")
