"""The gateway's own settings, on top of those of every process."""

import dataclasses
import ipaddress

from kit.settings import BadSetting, Settings, setting

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_IPV4_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")  # how a dual-stack socket writes IPv4


@dataclasses.dataclass(frozen=True)
class GatewaySettings(Settings):
    """Where the gateway listens, whom it trusts and how much it lets through."""

    gateway_host: str = setting("127.0.0.1", "the address the HTTP API listens on")
    gateway_port: int = setting(8000, "its port; 0 takes a free one")
    trusted_proxies: str = setting(
        "", "networks whose X-Forwarded-For is believed, separated by spaces or commas"
    )
    cors_origins: str = setting("", "origins whose pages may call the API, separated by spaces or commas")
    body_limit_bytes: int = setting(64 * 1024, "the longest body a request may have")
    entrance_limit_per_minute: int = setting(120, "sign-ups and sign-ins together, per address")
    request_limit_per_minute: int = setting(1200, "all other requests, per account or else per address")
    limit_share_seconds: float = setting(0.5, "how often gateways tell each other what they counted")
    cache_seconds: float = setting(30.0, "how long a public answer of the catalog is kept")
    cache_entries: int = setting(2048, "how many of them")
    stream_ping_seconds: float = setting(15.0, "how often a quiet event stream is pinged")
    stream_limit_per_account: int = setting(10, "event streams an account may have open")
    stream_limit_per_address: int = setting(
        50, "event streams that may be open from one public address; 0: any"
    )
    stream_kept_seconds: float = setting(300.0, "how long events are kept for streams that come back")
    stream_rewind_seconds: float = setting(30.0, "how far before the last seen event a replay starts")
    drain_notice_seconds: float = setting(
        1.0, "how long a stopping gateway still accepts requests while /readyz says 503"
    )

    @property
    def trusted_networks(self) -> tuple[Network, ...]:
        """`trusted_proxies`, parsed.

        Raises: BadSetting when one is no network.
        """
        try:
            return tuple(_network(part) for part in _parts(self.trusted_proxies))
        except ValueError as error:
            raise BadSetting(f"TRUSTED_PROXIES: {error}") from error

    @property
    def allowed_origins(self) -> frozenset[str]:
        """`cors_origins` as a set."""
        return frozenset(origin.rstrip("/") for origin in _parts(self.cors_origins))


def _network(text: str) -> Network:
    network = ipaddress.ip_network(text, strict=False)
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(_IPV4_MAPPED):
        first = int(network.network_address) & 0xFFFF_FFFF
        return ipaddress.IPv4Network((first, network.prefixlen - _IPV4_MAPPED.prefixlen))
    return network


def _parts(text: str) -> list[str]:
    return text.replace(",", " ").split()
