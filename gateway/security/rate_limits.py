"""Rate limits, and the header fields that announce them.

Fields: draft-ietf-httpapi-ratelimit-headers-10. A window begins with its first request. Counts
include those that other gateways publish (`gateway/security/shared_counts.py`).
"""

import itertools
import time
from collections import OrderedDict
from dataclasses import dataclass

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import Storage

from gateway.routing.policies import RateLimit
from gateway.settings import GatewaySettings
from kit.errors import TooMany

MAX_WINDOWS = 50_000
WINDOW_SECONDS = 60


class WindowCounts(Storage):
    """Counts in this process's memory, at most `MAX_WINDOWS`: beyond that the oldest windows are removed.

    The memory storage of the library starts threads for expiry. Here a count expires when it is next
    read, and each new window removes expired ones.
    """

    STORAGE_SCHEME = None

    def __init__(self) -> None:
        super().__init__(None)
        self._windows: OrderedDict[str, list[float]] = OrderedDict()  # the oldest first
        self._unshared: dict[str, int] | None = None  # None while counts are not shared

    @property
    def base_exceptions(self) -> type[Exception]:
        """Part of the library's interface; nothing here fails."""
        return ValueError

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Adds to the count, in a new window when the last one has ended."""
        if self._unshared is not None:
            self._unshared[key] = self._unshared.get(key, 0) + amount
        return self.add(key, expiry, amount)

    def add(self, key: str, expiry: float, amount: int) -> int:
        """Adds to the count without sharing it, in a window that lasts `expiry` seconds."""
        now = time.time()
        window = self._windows.get(key)
        if window is None or window[0] <= now:
            window = self._windows[key] = [now + expiry, 0]
            self._windows.move_to_end(key)
            self._remove_old(now)
        window[1] += amount
        return int(window[1])

    def get(self, key: str) -> int:
        """Returns the count of the current window."""
        window = self._windows.get(key)
        return int(window[1]) if window is not None and window[0] > time.time() else 0

    def get_expiry(self, key: str) -> float:
        """Returns when the current window ends (epoch seconds)."""
        window = self._windows.get(key)
        return window[0] if window is not None else time.time()

    def check(self) -> bool:
        """Part of the library's interface: always available."""
        return True

    def reset(self) -> int | None:
        """Removes all counts."""
        count = len(self._windows)
        self._windows.clear()
        return count

    def clear(self, key: str) -> None:
        """Removes one count."""
        self._windows.pop(key, None)

    def start_sharing(self) -> None:
        """Collects counts for other gateways from now on."""
        self._unshared = {}

    def stop_sharing(self) -> None:
        """Discards what could not be shared."""
        self._unshared = None

    def take_unshared(self) -> list[tuple[str, float, int]]:
        """Returns what was counted here since the last call: key, remaining seconds of its window, amount."""
        if not self._unshared:
            return []
        taken, self._unshared, now = self._unshared, {}, time.time()
        lasting = ((key, self.get_expiry(key) - now, amount) for key, amount in taken.items())
        return [(key, round(seconds, 1), amount) for key, seconds, amount in lasting if seconds > 0]

    def _remove_old(self, now: float) -> None:
        # Two at most, so that a request never removes many; each new window adds only one.
        for oldest in list(itertools.islice(self._windows, 2)):
            if self._windows[oldest][0] <= now or len(self._windows) > MAX_WINDOWS:
                del self._windows[oldest]


@dataclass(frozen=True)
class Allowance:
    """What is left of a limit after a request. `policy` and `state` are the values of the header fields."""

    policy: str
    state: str
    is_exhausted: bool
    reset_seconds: int

    def raise_if_exhausted(self) -> None:
        """Raises: TooMany when this request exceeded the limit."""
        if self.is_exhausted:
            detail = f"Too many requests. Try again in {self.reset_seconds} seconds."
            raise TooMany(detail, retry_after_seconds=self.reset_seconds)


class RateLimits:
    """The two rate limits of the gateway."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._items: dict[RateLimit, RateLimitItem] = {
            RateLimit.ENTRANCE: RateLimitItemPerMinute(settings.entrance_limit_per_minute),
            RateLimit.GENERAL: RateLimitItemPerMinute(settings.request_limit_per_minute),
        }
        self._policies = {
            limit: f'"{limit.value}";q={item.amount};w={item.get_expiry()}'
            for limit, item in self._items.items()
        }
        self.counts = WindowCounts()

    def count(self, limit: RateLimit, client: str) -> Allowance | None:
        """Counts one request of a client, an account or a network. Returns None when it is not limited."""
        item = self._items.get(limit)
        if item is None:
            return None
        # As the library's fixed window does it, which would build the key once more for each look.
        key = item.key_for(limit.value, client)
        count = self.counts.incr(key, WINDOW_SECONDS)
        remaining = max(0, item.amount - count)
        seconds = max(1, int(self.counts.get_expiry(key) - time.time()) + 1)
        state = f'"{limit.value}";r={remaining};t={seconds}'
        return Allowance(self._policies[limit], state, count > item.amount, seconds)
