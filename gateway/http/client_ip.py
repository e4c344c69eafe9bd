"""Where a request comes from. `X-Forwarded-For` counts only as far as trusted proxies wrote it."""

import functools

from aiohttp import web

from gateway.settings import Network
from kit.addresses import canonical_address, parse_address

MAX_HOPS = 50  # more proxies in a row than anybody has


class Addresses:
    """Finds client addresses behind the given proxies, in one form: IPv4 written as IPv6 is IPv4."""

    def __init__(self, trusted: tuple[Network, ...]) -> None:
        self._trusted = trusted
        self._is_trusted = functools.lru_cache(4096)(self._look_up)

    def of(self, request: web.Request) -> str:
        """The nearest address that is no trusted proxy's; the peer's own when nothing better is known."""
        address = canonical_address(request.remote or "")
        if not self._trusted or not self._is_trusted(address):
            return address
        hops = ",".join(request.headers.getall("X-Forwarded-For", ())).rsplit(",", MAX_HOPS)
        for hop in reversed(hops[-MAX_HOPS:]):
            parsed = parse_address(hop)
            if parsed is None:
                break
            address = str(parsed)
            if not self._is_trusted(address):
                break
        return address

    def _look_up(self, address: str) -> bool:
        parsed = parse_address(address)
        return parsed is not None and any(parsed in network for network in self._trusted)
