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
        kept[key] = (self._clock() + self._seconds, answer)
        kept.move_to_end(key)
        while len(kept) > self._entries:
            kept.popitem(last=False)

    def drop_service(self, service_id: str) -> None:
        """A service changed: it and every list go."""
        self._generation += 1
        self._shelves[Kept.SERVICE].pop(service_id, None)
        self._shelves[Kept.LISTING].clear()

    def clear(self) -> None:
        """Changes may have been missed: everything goes."""
        self._generation += 1
        for kept in self._shelves.values():
            kept.clear()


_MISS = CACHE.labels("miss")
_HIT = CACHE.labels("hit")
