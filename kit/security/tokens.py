"""Access tokens: EdDSA JWTs, signed by accounts, verified locally by the gateway and every service.

A client's access token is for the gateway. It carries signatures (`grants`) of the same claims for
each service. From these the gateway derives the token of a call, which is valid for the called service
alone: an attacker who reads the traffic of one service cannot act in another.

The key id is the thumbprint of the public key. To rotate keys, publish the new public key everywhere,
sign with the new key, then remove the old one.
"""

import base64
import hashlib
import json
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt

from kit.errors import Unauthenticated
from kit.security.keys import key_id, verifying_key_of
from kit.settings import BadSetting, Settings, own_secrets
from kit.validation import is_id

ALGORITHM = "EdDSA"
ISSUER, GATEWAY, GRANTS = "microtasks", "gateway", "grants"
LONGEST_LIFE_SECONDS = 24 * 3600
LONGEST_NAME = 200  # more than a display name may have
LEEWAY_SECONDS = 30
CACHED_TOKENS = 10_000


@dataclass(frozen=True)
class Caller:
    """Who is calling, as their access token says."""

    id: str
    display_name: str
    roles: frozenset[str]
    session_id: str
    expires_at: int = 0

    @property
    def is_staff(self) -> bool:
        """Whether this person is a member of staff."""
        return "staff" in self.roles


class Verifier:
    """Verifies tokens against published keys; caches verified tokens.

    `audience` is the verifier: the gateway, or a service by its name. With `audience_required` false,
    a token of earlier releases, without `iss` and `aud`, is valid too.
    """

    def __init__(
        self,
        public_keys: str,
        leeway_seconds: int = 0,
        audience: str = GATEWAY,
        audience_required: bool = True,
    ) -> None:
        self._keys = {key_id(key): verifying_key_of(key) for key in public_keys.split()}
        self._leeway_seconds = leeway_seconds
        self._audience = audience
        self.audience_required = audience_required
        self._verified: OrderedDict[bytes, tuple[Caller, str | None]] = OrderedDict()

    def verify(self, token: str, method: str = "") -> Caller:
        """Returns the caller of a token. A service also accepts tokens for the one `method` that is called.

        Raises: Unauthenticated when it is malformed, forged, expired, signed by an unknown key or
        issued for another audience.
        """
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        verified = self._verified.get(digest)
        if verified is None:
            verified = self._decode(token)
            self._verified[digest] = verified
            if len(self._verified) > CACHED_TOKENS:
                self._verified.popitem(last=False)
        caller, audience = verified
        if caller.expires_at + self._leeway_seconds <= time.time():
            raise Unauthenticated("The access token has expired.", code="token_expired")
        if audience is not None and audience not in (self._audience, method):
            raise _not_valid()
        return caller

    def _decode(self, token: str) -> tuple[Caller, str | None]:
        try:
            key = self._keys[jwt.get_unverified_header(token)["kid"]]
            claims = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                leeway=self._leeway_seconds,
                # Only `exp` is checked: the clock of accounts may be slightly ahead.
                options={
                    "require": ["sub", "sid", "name", "roles", "exp"],
                    "verify_iat": False,
                    "verify_aud": False,  # `verify` compares it at every use
                    "verify_iss": False,
                },
            )
            return _caller_in(claims), _audience_in(claims, self.audience_required)
        except jwt.ExpiredSignatureError as error:
            raise Unauthenticated("The access token has expired.", code="token_expired") from error
        except Exception as error:  # libraries raise many types for malformed tokens
            raise _not_valid() from error


def call_token(access_token: str, audience: str) -> str:
    """Derives the token of a call from a verified access token: the same claims for one audience.

    `audience` is a service, or one method. Accounts made the signature, which the access token carries;
    no other service can make one, and no access token can be derived from it. A token of earlier releases,
    without an audience, is returned unchanged.

    Raises: Unauthenticated when accounts did not sign for this audience; a new token has it.
    """
    header, payload, _signature = access_token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    if "aud" not in claims:
        return access_token
    try:
        signature = claims[GRANTS][audience]
        return f"{header}.{_base64(payload_for(claims, audience))}.{signature}"
    except (KeyError, TypeError) as error:
        raise Unauthenticated("The access token must be renewed.", code="token_expired") from error


def payload_for(claims: Mapping[str, Any], audience: str) -> bytes:
    """Returns the claims of an access token for one audience, serialised deterministically."""
    own = {name: value for name, value in claims.items() if name != GRANTS} | {"aud": audience}
    return payload_of(own)


def payload_of(claims: Mapping[str, Any]) -> bytes:
    """Returns claims as they are signed: sorted, without spaces, names unescaped."""
    return json.dumps(claims, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _caller_in(claims: Mapping[str, Any]) -> Caller:
    """Returns the caller. Raises: ValueError when a claim is not as accounts writes it."""
    name, roles, expires_at = claims["name"], claims["roles"], claims["exp"]
    fits = (
        is_id(claims["sub"]),
        is_id(claims["sid"]),
        isinstance(name, str) and 0 < len(name) <= LONGEST_NAME,
        isinstance(roles, list) and all(isinstance(role, str) for role in roles),
        all(type(claims.get(time_claim, 0)) is int for time_claim in ("exp", "iat", "nbf")),
    )
    if not all(fits) or expires_at > time.time() + LONGEST_LIFE_SECONDS:
        raise ValueError("a claim is invalid")
    return Caller(claims["sub"], name, frozenset(roles), claims["sid"], expires_at)


def _audience_in(claims: Mapping[str, Any], required: bool) -> str | None:
    """Returns the audience; None for a token of earlier releases. Raises: ValueError."""
    issuer, audience = claims.get("iss"), claims.get("aud")
    if not required and issuer is None and audience is None:
        return None
    if issuer != ISSUER or not isinstance(audience, str) or not audience:
        raise ValueError("not issued here, or without an audience")
    return audience


def _not_valid() -> Unauthenticated:
    return Unauthenticated("The access token is not valid.", code="invalid_token")


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def verifying_keys(settings: Settings) -> str:
    """Returns the public keys to verify with; in development the installation's own by default.

    Raises: BadSetting when there is none.
    """
    keys = settings.token_public_keys
    if not keys.split() and not settings.is_production:
        keys = own_secrets().get("TOKEN_PUBLIC_KEYS", "")
    if not keys:
        raise BadSetting("TOKEN_PUBLIC_KEYS: is missing, and DATA_DIR has no room for keys of our own")
    return keys
