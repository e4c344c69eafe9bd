"""Parses and validates URLs in settings."""

import re
from urllib.parse import SplitResult, parse_qs, quote, unquote, urlsplit

ORIGIN = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(:(?P<port>[0-9]{1,5}))?"
)
DEFAULT_PORTS = {"http": 80, "https": 443}
HIGHEST_PORT = 65535
UNIX_SOCKET = re.compile(r"/|%2[fF]|@")


def web_origin(text: str, schemes: tuple[str, ...]) -> str:
    """Returns an origin, `https://host[:port]`, as browsers write it: lower case, no default port.

    Raises: ValueError when it is of another form: with a path, a query, a user, or without a host.
    """
    found = ORIGIN.fullmatch(text.lower())
    if found is None or found["scheme"] not in schemes or ".." in found["host"]:
        raise ValueError(f"must be {' or '.join(f'{scheme}://host[:port]' for scheme in schemes)}")
    urlsplit(text.lower())  # raises when the brackets do not hold an address
    if found["port"] is None:
        return found[0]
    port = int(found["port"])
    if not 0 < port <= HIGHEST_PORT:
        raise ValueError(f"has no port from 1 to {HIGHEST_PORT}")
    suffix = "" if port == DEFAULT_PORTS[found["scheme"]] else f":{port}"
    return f"{found['scheme']}://{found['host']}{suffix}"


def web_address(text: str, schemes: tuple[str, ...]) -> str:
    """Returns a URL that may have a path after its origin, unchanged. Raises: ValueError."""
    scheme, _, rest = text.partition("://")
    web_origin(f"{scheme}://{rest.partition('/')[0]}", schemes)
    return text


def alternatives(url: str) -> list[str]:
    """Returns the URLs of one broker, which kombu accepts separated by semicolons."""
    return re.split(r";(?=\w+://)", url)


def with_password(url: str, password: str) -> str:
    """Returns a server's URL with a password for its user, unless it has one."""
    parts = urlsplit(url)
    if not password or parts.password or parts.username is None:
        return url
    user, _, place = parts.netloc.rpartition("@")
    signed_in = f"{user.partition(':')[0]}:{quote(password, safe='')}@{place}"
    return parts._replace(netloc=signed_in).geturl()


def check_server_address(url: str, schemes: tuple[str, ...]) -> None:
    """Validates a server's URL. Raises: ValueError, which shows no part of it."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ValueError("cannot be parsed: encode special characters of its password") from None
    if parts.scheme.partition("+")[0] not in schemes:
        raise ValueError(f"must begin with {' or '.join(f'{scheme}://' for scheme in schemes)}")


def password_of(url: str) -> str:
    """Returns the password in a server's URL, in its authority or query; empty without one."""
    parts = urlsplit(url)
    return unquote(parts.password or "") or _option(parts, "password")


def needs_no_password(url: str) -> bool:
    """Whether a database's URL names a Unix socket or a client certificate."""
    parts = urlsplit(url)
    host = _option(parts, "host") or parts.netloc.rpartition("@")[2]
    return (
        not host
        or UNIX_SOCKET.match(host) is not None
        or bool(_option(parts, "sslcert") and _option(parts, "sslkey"))
    )


def _option(parts: SplitResult, name: str) -> str:
    return parse_qs(parts.query).get(name, [""])[-1]
