"""Sessions in cookies: the tokens are encrypted in a cookie that scripts cannot read, so the site stores no
state, and any of its processes can serve any visitor.
"""

import base64
import dataclasses
import hashlib
import json
import re
import time
import zlib
from collections.abc import Sequence
from typing import Any, cast

from aiohttp import web
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from yarl import URL

from client.resources import Session
from kit.localization.locales import bounded_tag

USUAL_PORTS = (None, 80, 443)
SESSION_SECONDS = 30 * 24 * 3600  # the lifetime of an unused refresh token
DEVICE = "device"
DEVICE_SECONDS = 365 * 24 * 3600
MAX_DEVICE_TOKENS = 5  # one for each person who shares the browser
_DEVICE_TOKEN = re.compile(r"[\w.-]{1,150}", re.ASCII)
COMPRESSED_ABOVE_BYTES = 2_700  # encryption adds a third, and browsers drop cookies of more than 4,096


@dataclasses.dataclass(frozen=True)
class Person:
    """A signed-in visitor, as stored in the cookie. `expires_at` is the access token's, in Unix seconds."""

    id: str
    display_name: str
    roles: tuple[str, ...]
    locale: str
    time_zone: str
    session_id: str
    access_token: str
    refresh_token: str
    expires_at: float

    @property
    def is_staff(self) -> bool:
        """Whether this is an account of the marketplace's staff."""
        return "staff" in self.roles

    def as_session(self) -> Session:
        """Returns the session in the form the API client uses."""
        return cast(
            Session,
            {
                "session_id": self.session_id,
                "access_token": self.access_token,
                "refresh_token": self.refresh_token,
                "expires_in": int(self.expires_at - time.time()),
            },
        )


def person_of(session: Session) -> Person:
    """Returns the visitor that a new or renewed session belongs to."""
    account = session["account"]
    return Person(
        id=account["id"],
        display_name=account["display_name"],
        roles=tuple(account["roles"]),
        locale=bounded_tag(account["locale"]),
        time_zone=account["time_zone"],
        session_id=session["session_id"],
        access_token=session["access_token"],
        refresh_token=session["refresh_token"],
        expires_at=time.time() + session["expires_in"],
    )


class SessionCookies:
    """Writes and reads the encrypted cookies of visitors.

    Browsers send cookies to every port of a host, so a cookie's name carries the port unless it is a usual
    one: two installations on one host do not sign each other out. `port` is the site's public port; None
    takes the port of each request's Host header.
    """

    def __init__(self, secrets: Sequence[str], is_secure: bool, port: int | None = None) -> None:
        self._cipher = make_cipher(secrets, "cookies of the site")
        self._is_secure = is_secure
        self._port = port

    def cookie_name(self, request: web.Request, name: str = "session") -> str:
        """Returns a cookie's full name; browsers restrict the `__Host-` prefix to this host and to https."""
        port = self._port or _port_of(request.host)
        suffix = "" if port in USUAL_PORTS else f"-{port}"
        return f"{'__Host-' if self._is_secure else ''}{name}{suffix}"

    def read(self, request: web.Request) -> Person | None:
        """Returns the visitor; None without a cookie, or with one that is invalid or expired."""
        try:
            payload = json.loads(
                _decompressed(
                    self._cipher.decrypt(request.cookies.get(self.cookie_name(request), ""), SESSION_SECONDS)
                )
            )
            return Person(**{**payload, "roles": tuple(payload["roles"])})
        except (InvalidToken, zlib.error, ValueError, TypeError, KeyError):
            return None

    def store(self, request: web.Request, response: web.StreamResponse, person: Person) -> None:
        """Stores a new or renewed session in the cookie."""
        # Not escaped, and compressed when long: browsers accept 4,096 bytes.
        payload = json.dumps(dataclasses.asdict(person), ensure_ascii=False, separators=(",", ":")).encode()
        if len(payload) > COMPRESSED_ABOVE_BYTES:
            payload = zlib.compress(payload)
        encrypted = self._cipher.encrypt(payload).decode()
        self.set_cookie(response, self.cookie_name(request), encrypted, SESSION_SECONDS)

    def device_tokens(self, request: web.Request) -> list[str]:
        """Returns the device tokens issued to this browser at sign-in, the latest first."""
        sent = request.cookies.get(self.cookie_name(request, DEVICE), "").split("~")[:MAX_DEVICE_TOKENS]
        return [token for token in sent if _DEVICE_TOKEN.fullmatch(token)]  # they are sent in a header

    def store_device_token(self, request: web.Request, response: web.StreamResponse, token: str) -> None:
        """Adds a device token to the browser's cookie, which outlives sessions."""
        others = [other for other in self.device_tokens(request) if other != token]
        tokens = "~".join([token, *others][:MAX_DEVICE_TOKENS])
        self.set_cookie(response, self.cookie_name(request, DEVICE), tokens, DEVICE_SECONDS)

    def clear(self, request: web.Request, response: web.StreamResponse) -> None:
        """Removes the session's cookie."""
        self.set_cookie(response, self.cookie_name(request), "", 0)

    def set_cookie(self, response: web.StreamResponse, name: str, value: str, seconds: int) -> None:
        """Sets a cookie, by its full name, that scripts and other sites cannot use."""
        options: dict[str, Any] = {"path": "/", "httponly": True, "samesite": "Lax"}
        response.set_cookie(name, value, max_age=seconds, secure=self._is_secure, **options)


def _decompressed(payload: bytes) -> bytes:
    return payload if payload.startswith(b"{") else zlib.decompress(payload)


def make_cipher(secrets: Sequence[str], purpose: str) -> MultiFernet:
    """Returns a cipher for one purpose: texts encrypted for one purpose cannot be decrypted for another."""
    return MultiFernet([Fernet(_key(secret, purpose)) for secret in secrets])


def _key(secret: str, purpose: str) -> bytes:
    return base64.urlsafe_b64encode(hashlib.sha256(f"{purpose} {secret}".encode()).digest())


def _port_of(host: str) -> int | None:
    try:
        return URL(f"http://{host}").explicit_port
    except ValueError:  # an invalid Host header
        return None
