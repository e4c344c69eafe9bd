"""Public answers of the catalog, kept until a service changes, 30 seconds at most.

Only what anybody would get is kept. A fill that was under way when what it asks for changed is thrown
away, since its answer may be from before the change. A change of another service is nothing to it: else
nothing could be kept while there are many changes.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from weakref import WeakSet

from gateway.http.response import Answer
from gateway.metrics import CACHE
from gateway.routing.policies import CacheRegion

MAX_REGION_BYTES = 32 * 1024 * 1024
MAX_KEY_CHARACTERS = 2000  # longer addresses are asked for once, if ever


class Fill:
    """One answer on its way to a region."""

    def __init__(self, region: CacheRegion, key: str) -> None:
        self.region = region
        self.key = key
        self.is_stale = False


class Cache:
    """Two bounded regions, single services and lists; the least recently used go first."""

    def __init__(self, seconds: float, entries: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._entries = entries
        self._clock = clock
        self._regions: dict[CacheRegion, OrderedDict[str, tuple[float, Answer]]] = {
            CacheRegion.SERVICE: OrderedDict(),
            CacheRegion.LISTING: OrderedDict(),
        }
        self._sizes = dict.fromkeys(self._regions, 0)
        self._fills: WeakSet[Fill] = WeakSet()  # a fill that fails is just forgotten

    def get(self, region: CacheRegion, key: str) -> Answer | None:
        """What is kept under a key, if it is not too old."""
        found = self._regions[region].get(key)
        if found is None or found[0] <= self._clock():
            _MISS.inc()
            return None
        self._regions[region].move_to_end(key)
        _HIT.inc()
        return found[1]

    def begin_fill(self, region: CacheRegion, key: str) -> Fill:
        """What `put` needs, begun before the services are asked."""
        fill = Fill(region, key)
        self._fills.add(fill)
        return fill

    def put(self, fill: Fill, answer: Answer) -> None:
        """Keeps an answer, unless what it is about was dropped since the fill began."""
        if fill.is_stale or self._seconds <= 0 or len(fill.key) > MAX_KEY_CHARACTERS:
            return
        region, key = fill.region, fill.key
        kept = self._regions[region]
        self._drop(region, key)
        kept[key] = (self._clock() + self._seconds, answer)
        self._sizes[region] += _size(key, answer)
        while len(kept) > self._entries or self._sizes[region] > MAX_REGION_BYTES:
            self._drop(region, next(iter(kept)))

    def drop_service(self, service_id: str) -> None:
        """A service changed: it and every list go."""
        for fill in self._fills:
            if fill.region is CacheRegion.LISTING or fill.key == service_id:
                fill.is_stale = True
        self._drop(CacheRegion.SERVICE, service_id)
        self._empty(CacheRegion.LISTING)

    def clear(self) -> None:
        """Changes may have been missed: everything goes."""
        for fill in self._fills:
            fill.is_stale = True
        for region in self._regions:
            self._empty(region)

    def _drop(self, region: CacheRegion, key: str) -> None:
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
