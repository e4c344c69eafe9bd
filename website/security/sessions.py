"""Who visits. The session, tokens included, lives sealed in a cookie that scripts cannot read, so any
process of the site can serve anyone, and the site keeps nothing.
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
from kit.locales import bounded_tag

USUAL_PORTS = (None, 80, 443)
KEPT_SECONDS = 30 * 24 * 3600  # as long as a refresh token waits for its use
DEVICE = "device"
DEVICE_SECONDS = 365 * 24 * 3600
MOST_DEVICE_TOKENS = 5  # people who share a browser; each has one
_DEVICE_TOKEN = re.compile(r"[\w.-]{1,150}", re.ASCII)
LONGEST_AS_IT_IS = 2_700  # sealed it grows by a third, and browsers drop a cookie of more than 4096 bytes


@dataclasses.dataclass(frozen=True)
class Person:
    """A signed-in visitor, as the cookie knows them. `expires_at` is the access token's, in Unix seconds."""

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
        """Whether they keep the place in order."""
        return "staff" in self.roles

    def as_session(self) -> Session:
        """What a client signs requests with."""
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
    """The visitor a new or renewed session belongs to."""
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


class Sessions:
    """Seals visitors into cookies and reads them back.

    Browsers send cookies to every port of a host, so a cookie's name carries the port unless it is a usual
    one: two installations on one host do not sign each other out. `port` is the site's own, None where
    visitors' browsers say which they asked.
    """

    def __init__(self, secrets: Sequence[str], is_secure: bool, port: int | None = None) -> None:
        self._seal = fernet_of(secrets, "cookies of the site")
        self._is_secure = is_secure
        self._port = port

    def name(self, request: web.Request, name: str = "session") -> str:
        """A cookie's full name; browsers keep `__Host-` ones to this host and to https."""
        port = self._port or _port_of(request.host)
        suffix = "" if port in USUAL_PORTS else f"-{port}"
        return f"{'__Host-' if self._is_secure else ''}{name}{suffix}"

    def read(self, request: web.Request) -> Person | None:
        """The visitor, or None: nobody, or a cookie that is not ours or too old."""
        try:
            told = json.loads(
                _unpacked(self._seal.decrypt(request.cookies.get(self.name(request), ""), KEPT_SECONDS))
            )
            return Person(**{**told, "roles": tuple(told["roles"])})
        except (InvalidToken, zlib.error, ValueError, TypeError, KeyError):
            return None

    def keep(self, request: web.Request, response: web.StreamResponse, person: Person) -> None:
        """Signs the visitor in, or keeps what was renewed."""
        # Unescaped, and compressed when long: a browser takes 4,096 bytes.
        told = json.dumps(dataclasses.asdict(person), ensure_ascii=False, separators=(",", ":")).encode()
        if len(told) > LONGEST_AS_IT_IS:
            told = zlib.compress(told)
        sealed = self._seal.encrypt(told).decode()
        self.set(response, self.name(request), sealed, KEPT_SECONDS)

    def device_tokens(self, request: web.Request) -> list[str]:
        """What this browser was given when people signed in here, the latest first."""
        sent = request.cookies.get(self.name(request, DEVICE), "").split("~")[:MOST_DEVICE_TOKENS]
        return [token for token in sent if _DEVICE_TOKEN.fullmatch(token)]  # it goes into a header

    def keep_device(self, request: web.Request, response: web.StreamResponse, token: str) -> None:
        """Adds a device token to the browser's, which outlive every session."""
        others = [other for other in self.device_tokens(request) if other != token]
        kept = "~".join([token, *others][:MOST_DEVICE_TOKENS])
        self.set(response, self.name(request, DEVICE), kept, DEVICE_SECONDS)

    def forget(self, request: web.Request, response: web.StreamResponse) -> None:
        """Signs the visitor out of this browser."""
        self.set(response, self.name(request), "", 0)

    def set(self, response: web.StreamResponse, name: str, value: str, seconds: int) -> None:
        """Sets a cookie, by its full name, that no script and no other site can use."""
        options: dict[str, Any] = {"path": "/", "httponly": True, "samesite": "Lax"}
        response.set_cookie(name, value, max_age=seconds, secure=self._is_secure, **options)


def _unpacked(told: bytes) -> bytes:
    """What was sealed: JSON, compressed when it was long."""
    return told if told.startswith(b"{") else zlib.decompress(told)


def fernet_of(secrets: Sequence[str], purpose: str) -> MultiFernet:
    """Seals and opens texts for one purpose: what is sealed for one cannot be opened for another."""
    return MultiFernet([Fernet(_key(secret, purpose)) for secret in secrets])


def _key(secret: str, purpose: str) -> bytes:
    return base64.urlsafe_b64encode(hashlib.sha256(f"{purpose} {secret}".encode()).digest())


def _port_of(host: str) -> int | None:
    try:
        return URL(f"http://{host}").explicit_port
    except ValueError:  # no host that a browser could have asked for
        return None
