"""Where a request comes from. `X-Forwarded-For` counts only as far as trusted proxies wrote it."""

import functools
import ipaddress

from aiohttp import web

from gateway.settings import Network


class Addresses:
    """Finds client addresses behind the given proxies."""

    def __init__(self, trusted: tuple[Network, ...]) -> None:
        self._trusted = trusted
        self._is_trusted = functools.lru_cache(4096)(self._look_up)

    def of(self, request: web.Request) -> str:
        """The nearest address that is no trusted proxy's; the peer's own when nothing better is known."""
        address = request.remote or ""
        if not self._trusted or not self._is_trusted(address):
            return address
        hops = ",".join(request.headers.getall("X-Forwarded-For", ())).split(",")
        for hop in reversed(hops):
            try:
                address = str(ipaddress.ip_address(hop.strip()))
            except ValueError:
                break
            if not self._is_trusted(address):
                break
        return address

    def _look_up(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
            parsed = parsed.ipv4_mapped
        return any(parsed in network for network in self._trusted)


@functools.lru_cache(4096)
def limited_as(address: str) -> str:
    """What a limit counts: an IPv6 household or host has a whole /64, so that is one address."""
    if ":" not in address:
        return address
    try:
        return str(ipaddress.ip_network((address.partition("%")[0], 64), strict=False))
    except ValueError:
        return address
