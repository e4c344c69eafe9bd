"""The gateway's settings, in addition to those of every process."""

import dataclasses
import ipaddress
from collections.abc import Iterator
from typing import ClassVar

from kit.http.urls import HIGHEST_PORT, web_origin
from kit.settings import Settings, setting

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_IPV4_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")  # how a dual-stack socket writes IPv4


def _networks(text: str) -> str:
    _parsed_networks(text)
    return text


def _origins(text: str) -> str:
    return " ".join(web_origin(part.rstrip("/"), ("http", "https")) for part in _parts(text))


@dataclasses.dataclass(frozen=True)
class GatewaySettings(Settings):
    """Settings of the gateway: its addresses, trusted proxies and limits."""

    HAS_DATABASE: ClassVar[bool] = False
    gateway_host: str = setting("127.0.0.1", "the address the HTTP API listens on")
    gateway_port: int = setting(8000, "its port; 0 takes a free one", within=(0, HIGHEST_PORT))
    trusted_proxies: str = setting(
        "", "networks whose X-Forwarded-For is trusted, separated by spaces or commas", form=_networks
    )
    cors_origins: str = setting(
        "", "origins whose pages may call the API, separated by spaces or commas", form=_origins
    )
    body_limit_bytes: int = setting(64 * 1024, "the longest body a request may have")
    entrance_limit_per_minute: int = setting(120, "sign-ups and sign-ins together, per address")
    request_limit_per_minute: int = setting(1200, "all other requests, per account or else per address")
    limit_share_seconds: float = setting(0.5, "how often gateways share their counts with each other")
    cache_seconds: float = setting(
        30.0, "how long a public answer of the catalog is cached", within=(0, 86_400)
    )
    cache_entries: int = setting(2048, "how many of them")
    stream_ping_seconds: float = setting(15.0, "how often a quiet event stream is pinged")
    stream_limit_per_account: int = setting(10, "event streams an account may have open")
    stream_limit_per_address: int = setting(
        50, "event streams that may be open from one public address; 0: any", within=(0, 1_000_000)
    )
    stream_kept_seconds: float = setting(
        300.0, "how long events are stored for streams that reconnect", within=(0, 86_400)
    )
    stream_rewind_seconds: float = setting(
        30.0, "how far before the last seen event a replay starts", within=(0, 86_400)
    )
    drain_notice_seconds: float = setting(
        1.0, "how long a stopping gateway still accepts requests while /readyz says 503", within=(0, 3600)
    )

    def problems_in_production(self) -> Iterator[str]:
        """Adds trusting every address as a proxy, and CORS origins without https."""
        yield from super().problems_in_production()
        if any(network.prefixlen == 0 for network in self.trusted_networks):
            yield "TRUSTED_PROXIES: production must not trust every address"
        if any(not origin.startswith("https://") for origin in self.allowed_origins):
            yield "CORS_ORIGINS: production needs https://host[:port]"

    @property
    def trusted_networks(self) -> tuple[Network, ...]:
        """`trusted_proxies`, parsed. Raises: ValueError when one is no network."""
        return _parsed_networks(self.trusted_proxies)

    @property
    def allowed_origins(self) -> frozenset[str]:
        """`cors_origins` as a set."""
        return frozenset(_parts(self.cors_origins))


def _parsed_networks(text: str) -> tuple[Network, ...]:
    return tuple(_network(part) for part in _parts(text))


def _network(text: str) -> Network:
    network = ipaddress.ip_network(text, strict=False)
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(_IPV4_MAPPED):
        first = int(network.network_address) & 0xFFFF_FFFF
        return ipaddress.IPv4Network((first, network.prefixlen - _IPV4_MAPPED.prefixlen))
    return network


def _parts(text: str) -> list[str]:
    return text.replace(",", " ").split()
