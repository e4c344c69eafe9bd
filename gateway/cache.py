"""A cache of the catalog's public answers, stored until a service changes and for 30 seconds at most.

Only answers that are the same for everyone are stored. When a resource changes while a request for it is
in progress, the answer may be older than the change and is not stored. Changes of other services do not
matter to it, so that caching works while there are many changes.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from weakref import WeakSet

from gateway.http.response import Answer
from gateway.metrics import CACHE
from gateway.routing.policies import CacheRegion

MAX_REGION_BYTES = 32 * 1024 * 1024
MAX_KEY_CHARACTERS = 2000  # longer addresses are hardly requested twice


class Fill:
    """A request in progress whose answer is to be cached; `is_stale` when the resource has changed since."""

    def __init__(self, region: CacheRegion, key: str) -> None:
        self.region = region
        self.key = key
        self.is_stale = False


class Cache:
    """Two bounded regions, single services and lists; each evicts the least recently used entries."""

    def __init__(self, seconds: float, entries: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._entries = entries
        self._clock = clock
        self._regions: dict[CacheRegion, OrderedDict[str, tuple[float, Answer]]] = {
            CacheRegion.SERVICE: OrderedDict(),
            CacheRegion.LISTING: OrderedDict(),
        }
        self._sizes = dict.fromkeys(self._regions, 0)
        self._fills: WeakSet[Fill] = WeakSet()  # so that a failed one is forgotten

    def get(self, region: CacheRegion, key: str) -> Answer | None:
        """Returns the answer stored under a key, or None when there is none or it is too old."""
        found = self._regions[region].get(key)
        if found is None or found[0] <= self._clock():
            _MISS.inc()
            return None
        self._regions[region].move_to_end(key)
        _HIT.inc()
        return found[1]

    def begin_fill(self, region: CacheRegion, key: str) -> Fill:
        """Starts a fill, before the service is called; `put` finishes it."""
        fill = Fill(region, key)
        self._fills.add(fill)
        return fill

    def put(self, fill: Fill, answer: Answer) -> None:
        """Stores an answer, unless its resource has changed since the fill began."""
        if fill.is_stale or self._seconds <= 0 or len(fill.key) > MAX_KEY_CHARACTERS:
            return
        region, key = fill.region, fill.key
        entries = self._regions[region]
        self._evict(region, key)
        entries[key] = (self._clock() + self._seconds, answer)
        self._sizes[region] += _size(key, answer)
        while len(entries) > self._entries or self._sizes[region] > MAX_REGION_BYTES:
            self._evict(region, next(iter(entries)))

    def drop_service(self, service_id: str) -> None:
        """Removes a service that has changed, and every list."""
        for fill in self._fills:
            if fill.region is CacheRegion.LISTING or fill.key == service_id:
                fill.is_stale = True
        self._evict(CacheRegion.SERVICE, service_id)
        self._empty(CacheRegion.LISTING)

    def clear(self) -> None:
        """Removes everything, because changes may have been missed."""
        for fill in self._fills:
            fill.is_stale = True
        for region in self._regions:
            self._empty(region)

    def _evict(self, region: CacheRegion, key: str) -> None:
        found = self._regions[region].pop(key, None)
        if found is not None:
            self._sizes[region] -= _size(key, found[1])

    def _empty(self, region: CacheRegion) -> None:
        self._regions[region].clear()
        self._sizes[region] = 0


def _size(key: str, answer: Answer) -> int:
    headers = sum(len(name) + len(value) for name, value in answer.headers.items())
    return len(key) + len(answer.body) + headers


_MISS = CACHE.labels("miss")
_HIT = CACHE.labels("hit")
