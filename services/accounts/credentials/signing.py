"""Signing access tokens: accounts alone holds the key."""

from collections.abc import Iterable
from typing import Any

from jwt import api_jws

from kit.security.keys import generate_signing_key, key_id, public_key_of, signing_key_of
from kit.security.tokens import ALGORITHM, GATEWAY, GRANTS, ISSUER, payload_for, payload_of
from services.registry import audiences

__all__ = ["Signer", "generate_signing_key", "public_key_of"]


class Signer:
    """Signs access tokens with one Ed25519 key, given as the base64 of its 32-byte seed."""

    def __init__(self, signing_key: str) -> None:
        self._key = signing_key_of(signing_key)
        self.public_key = public_key_of(signing_key)
        self._key_id = key_id(self.public_key)

    def sign(
        self,
        account_id: str,
        session_id: str,
        display_name: str,
        roles: Iterable[str],
        issued_at: int,
        lifetime_seconds: int,
        with_audience: bool = True,
    ) -> str:
        """An access token, with a signature for each audience inside; the same arguments give the
        same token, byte for byte. Without audience it is one that processes of before also take.
        """
        claims: dict[str, Any] = {
            "sub": account_id,
            "sid": session_id,
            "name": display_name,
            "roles": sorted(roles),
            "iat": issued_at,
            "exp": issued_at + lifetime_seconds,
        }
        if not with_audience:
            return self._signed(payload_of(claims))
        claims |= {"iss": ISSUER, "aud": GATEWAY}
        inside = {name: self._signed(payload_for(claims, name)) for name in audiences()}
        grants = {name: token.rpartition(".")[2] for name, token in inside.items()}
        return self._signed(payload_of({**claims, GRANTS: grants}))

    def _signed(self, payload: bytes) -> str:
        return api_jws.encode(payload, self._key, algorithm=ALGORITHM, headers={"kid": self._key_id})
