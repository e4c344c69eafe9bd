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

from client.resources import Session
from kit.locales import bounded_tag

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
    """Seals visitors into cookies and reads them back."""

    def __init__(self, secrets: Sequence[str], is_secure: bool) -> None:
        self._seal = MultiFernet([Fernet(_key(secret)) for secret in secrets])
        self._is_secure = is_secure
        self._prefix = "__Host-" if is_secure else ""

    @property
    def cookie(self) -> str:
        """The cookie's name; browsers keep `__Host-` ones to this host and to https."""
        return f"{self._prefix}session"

    def read(self, request: web.Request) -> Person | None:
        """The visitor, or None: nobody, or a cookie that is not ours or too old."""
        try:
            told = json.loads(
                _unpacked(self._seal.decrypt(request.cookies.get(self.cookie, ""), KEPT_SECONDS))
            )
            return Person(**{**told, "roles": tuple(told["roles"])})
        except (InvalidToken, zlib.error, ValueError, TypeError, KeyError):
            return None

    def keep(self, response: web.StreamResponse, person: Person) -> None:
        """Signs the visitor in, or keeps what was renewed."""
        # Unescaped, and compressed when long: a browser takes 4,096 bytes.
        told = json.dumps(dataclasses.asdict(person), ensure_ascii=False, separators=(",", ":")).encode()
        if len(told) > LONGEST_AS_IT_IS:
            told = zlib.compress(told)
        sealed = self._seal.encrypt(told).decode()
        self.set(response, "session", sealed, KEPT_SECONDS)

    def device_tokens(self, request: web.Request) -> list[str]:
        """What this browser was given when people signed in here, the latest first."""
        sent = request.cookies.get(f"{self._prefix}{DEVICE}", "").split("~")[:MOST_DEVICE_TOKENS]
        return [token for token in sent if _DEVICE_TOKEN.fullmatch(token)]  # it goes into a header

    def keep_device(self, request: web.Request, response: web.StreamResponse, token: str) -> None:
        """Adds a device token to the browser's, which outlive every session."""
        others = [other for other in self.device_tokens(request) if other != token]
        self.set(response, DEVICE, "~".join([token, *others][:MOST_DEVICE_TOKENS]), DEVICE_SECONDS)

    def forget(self, response: web.StreamResponse) -> None:
        """Signs the visitor out of this browser."""
        self.set(response, "session", "", 0)

    def set(self, response: web.StreamResponse, name: str, value: str, seconds: int) -> None:
        """Sets a cookie that no script and no other site can use."""
        options: dict[str, Any] = {"path": "/", "httponly": True, "samesite": "Lax"}
        response.set_cookie(
            f"{self._prefix}{name}", value, max_age=seconds, secure=self._is_secure, **options
        )


def _unpacked(told: bytes) -> bytes:
    """What was sealed: JSON, compressed when it was long."""
    return told if told.startswith(b"{") else zlib.decompress(told)


def _key(secret: str) -> bytes:
    return base64.urlsafe_b64encode(hashlib.sha256(b"cookies of the site " + secret.encode()).digest())
