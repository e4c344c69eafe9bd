"""Access tokens: EdDSA JWTs, signed by accounts, verified locally by the gateway and every service.

The key id is the thumbprint of the public key, so rotation is: publish the new public key
everywhere, then sign with it, then drop the old one.
"""

import base64
import hashlib
import time
from collections import OrderedDict
from dataclasses import dataclass

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from kit.errors import Unauthenticated
from kit.settings import BadSetting, Settings

ALGORITHM = "EdDSA"
LEEWAY_SECONDS = 30
CACHED_TOKENS = 10_000
_DEMO_SEED = hashlib.sha256(b"microtasks demo key, refused in production").digest()
DEMO_SIGNING_KEY = base64.b64encode(_DEMO_SEED).decode()


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
        """Whether this person keeps the place in order."""
        return "staff" in self.roles


class Verifier:
    """Verifies access tokens against published keys; a verified token is remembered until it expires."""

    def __init__(self, public_keys: str, leeway_seconds: int = 0) -> None:
        self._keys = {key_id(key): _load(key) for key in public_keys.split()}
        self._leeway_seconds = leeway_seconds
        self._verified: OrderedDict[bytes, Caller] = OrderedDict()

    def verify(self, token: str) -> Caller:
        """The caller a token stands for.

        Raises: Unauthenticated when it is malformed, forged, expired or signed by an unknown key.
        """
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        caller = self._verified.get(digest)
        if caller is None:
            caller = self._decode(token)
            self._verified[digest] = caller
            if len(self._verified) > CACHED_TOKENS:
                self._verified.popitem(last=False)
        if caller.expires_at + self._leeway_seconds <= time.time():
            raise Unauthenticated("The access token has expired.", code="token_expired")
        return caller

    def _decode(self, token: str) -> Caller:
        try:
            key = self._keys[jwt.get_unverified_header(token).get("kid", "")]
            claims = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                leeway=self._leeway_seconds,
                # `exp` alone bounds a token: accounts' clock may be a little ahead of ours.
                options={"require": ["sub", "sid", "name", "roles", "exp"], "verify_iat": False},
            )
        except jwt.ExpiredSignatureError as error:
            raise Unauthenticated("The access token has expired.", code="token_expired") from error
        except (jwt.InvalidTokenError, KeyError, ValueError) as error:
            raise Unauthenticated("The access token is not valid.", code="invalid_token") from error
        return Caller(
            id=claims["sub"],
            display_name=claims["name"],
            roles=frozenset(claims["roles"]),
            session_id=claims["sid"],
            expires_at=int(claims["exp"]),
        )


def verifying_keys(settings: Settings) -> str:
    """The public keys to verify with; outside production the demo key stands in for none.

    Raises: BadSetting when production has none, or one cannot be read.
    """
    keys = settings.token_public_keys or public_key_of(DEMO_SIGNING_KEY)
    try:
        for key in keys.split():
            _load(key)
    except ValueError as error:
        raise BadSetting("TOKEN_PUBLIC_KEYS: not base64 Ed25519 public keys") from error
    return keys


def public_key_of(signing_key: str) -> str:
    """The base64 public key that verifies what a signing key signs."""
    key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(signing_key))
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


def key_id(public_key: str) -> str:
    """The `kid` of a public key."""
    return hashlib.sha256(base64.b64decode(public_key)).hexdigest()[:16]


def _load(public_key: str) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key))
