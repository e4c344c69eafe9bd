"""The rules of refresh tokens: how one is derived, and what presenting one means. Pure.

Every token is an HMAC under the session secret: 256 bits that cannot be guessed. Deriving it
instead of drawing it lets a repeated call get the same token although only its digest is stored.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum


class Verdict(Enum):
    """How a presented token is answered."""

    ROTATE = "its first use: a successor takes its place"
    REPEAT = "the same call again: the same successor"
    REFUSE = "unknown, expired or of a closed session"
    REVOKE = "used before: the session is no longer trusted"


@dataclass(frozen=True)
class Presented:
    """What is stored about a presented token and its session; the times are aware."""

    used_at: datetime | None
    used_with: str | None
    expires_at: datetime
    session_expires_at: datetime
    session_revoked_at: datetime | None


def judge(token: Presented, key_digest: str, now: datetime, repeat_seconds: float) -> Verdict:
    """Returns how to answer a token presented at `now` by a call with this idempotency key's digest."""
    if token.session_revoked_at is not None or now >= token.session_expires_at:
        return Verdict.REFUSE
    if token.used_at is None:
        return Verdict.REFUSE if now >= token.expires_at else Verdict.ROTATE
    same_call = token.used_with == key_digest
    if same_call and now < token.used_at + timedelta(seconds=repeat_seconds):
        return Verdict.REPEAT
    return Verdict.REVOKE


def first_token(secret: str, session_id: str, password: str, key: str) -> str:
    """Returns the first token of a session; a repeated sign-in gets the same."""
    return _derive(secret, "first", session_id, password, key)


def successor(secret: str, token: str, key: str) -> str:
    """Returns the token that follows `token` when a call with this idempotency key uses it."""
    return _derive(secret, "successor", token, key)


def digest(token: str) -> bytes:
    """Returns a token as it is stored. A plain hash is enough for 256 random bits."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def keyed_digest(secret: str, purpose: str, *texts: str) -> str:
    """Returns a digest of something guessable (a key, an address) that readers cannot brute-force."""
    return _mac(secret, purpose, *texts).hex()


def device_token(secret: str, account_id: str, session_id: str) -> str:
    """Returns the proof that a browser opened this session of this account, also after the session ended."""
    return f"{session_id}.{_derive(secret, 'device', account_id, session_id)}"


def _derive(secret: str, *parts: str) -> str:
    return base64.urlsafe_b64encode(_mac(secret, *parts)).decode().rstrip("=")


def _mac(secret: str, *parts: str) -> bytes:
    # Each part goes in with its length, so that no two lists of parts make the same message.
    encoded = [part.encode("utf-8", "surrogatepass") for part in parts]
    message = b"".join(len(part).to_bytes(4, "big") + part for part in encoded)
    return hmac.digest(secret.encode(), message, "sha256")
