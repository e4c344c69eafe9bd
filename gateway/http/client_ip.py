"""The address of a request's client. `X-Forwarded-For` counts only as far as trusted proxies wrote it."""

import functools

from aiohttp import web

from gateway.settings import Network
from kit.http.addresses import canonical_address, parse_address

MAX_HOPS = 50  # more proxies than any chain has


class ClientAddresses:
    """Finds the clients' addresses behind trusted proxies; IPv4 addresses written as IPv6 become IPv4."""

    def __init__(self, trusted: tuple[Network, ...]) -> None:
        self._trusted = trusted
        self._is_trusted = functools.lru_cache(4096)(self._is_in_trusted_network)

    def resolve(self, request: web.Request) -> str:
        """Returns the nearest address that is not a trusted proxy's, or else the peer's address."""
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

    def _is_in_trusted_network(self, address: str) -> bool:
        parsed = parse_address(address)
        return parsed is not None and any(parsed in network for network in self._trusted)
