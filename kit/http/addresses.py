"""Network addresses in canonical form, and what counts as one network for limits.

A dual-stack socket writes the IPv4 client 192.0.2.1 as `::ffff:192.0.2.1` (RFC 4291, 2.5.5.2), and a
translator in front of an IPv6-only server as `64:ff9b::c000:201` (RFC 6052). Both are that IPv4 client.
"""

import functools
import ipaddress
import re

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_BRACKETED = re.compile(r"\[(?P<address>[^\[\]]+)\](:[0-9]{1,5})?")
_IPV4_WITH_PORT = re.compile(r"(?P<address>[0-9.]+):[0-9]{1,5}")
_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
_6TO4 = ipaddress.IPv6Network("2002::/16")
# RFC 1122, 1918, 3927, 4193, 4291. `is_private` means more: networks for documentation, for example.
_LOCAL = tuple(
    ipaddress.ip_network(text)
    for text in (
        "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16",
        "::1/128", "fc00::/7", "fe80::/10",
    )
)  # fmt: skip
_IPV4_BITS = 0xFFFF_FFFF
LONGEST_ADDRESS = 100  # with brackets, zone and port
IPV6_NETWORK_BITS = 64
IPV6_6TO4_BITS = 48


def parse_address(text: str) -> Address | None:
    """Returns the address in a text that proxies and sockets write; None when it is not an address.

    A port, brackets and an IPv6 zone (`%eth0`, which has a meaning on one machine only) are removed.
    IPv4 written as IPv6 becomes IPv4.
    """
    text = text.strip()
    if len(text) > LONGEST_ADDRESS:
        return None
    written = _BRACKETED.fullmatch(text) or _IPV4_WITH_PORT.fullmatch(text)
    try:
        parsed = ipaddress.ip_address((written["address"] if written else text).partition("%")[0])
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return parsed.ipv4_mapped
        if parsed in _TRANSLATED:
            return ipaddress.IPv4Address(int(parsed) & _IPV4_BITS)
    return parsed


@functools.lru_cache(4096)
def canonical_address(text: str) -> str:
    """Returns the canonical form of an address; any other text, such as a socket's path, unchanged."""
    parsed = parse_address(text)
    return text if parsed is None else str(parsed)


@functools.lru_cache(4096)
def network_of(text: str) -> str:
    """Returns what limits and lock-outs count as one client: an IPv4 address, or the /64 of an IPv6 address.

    An IPv6 household or host has a whole /64. The owner of an IPv4 address also has the 65,536
    networks that 6to4 derives from it (RFC 3056), so their /48 counts as one.
    """
    parsed = parse_address(text)
    if parsed is None:
        return text
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    bits = IPV6_6TO4_BITS if parsed in _6TO4 else IPV6_NETWORK_BITS
    return str(ipaddress.ip_network((parsed, bits), strict=False))


def is_local(text: str) -> bool:
    """Whether an address cannot be reached from the internet: loopback, private or link-local."""
    parsed = parse_address(text)
    return parsed is not None and any(
        parsed in network for network in _LOCAL if network.version == parsed.version
    )
