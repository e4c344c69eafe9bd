"""Authentication of callers: access tokens are verified locally, without a call to any service."""

from typing import Any

from gateway.security.revocations import Revocations
from kit.errors import Unauthenticated
from kit.security.tokens import Caller, Verifier


class Authenticator:
    """Verifies `Authorization` headers."""

    def __init__(self, verifier: Verifier, revocations: Revocations) -> None:
        self._verifier = verifier
        self._revocations = revocations

    def authenticate(self, authorization: str | None) -> tuple[Caller | None, str]:
        """Returns the caller and their token, or None and "" when no token is sent.

        Raises: Unauthenticated when the token is not valid.
        """
        if authorization is None:
            return None, ""
        scheme, _, token = authorization.partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated("Use `Authorization: Bearer <access_token>`.", code="invalid_token")
        caller = self._verifier.verify(token)
        if caller.session_id in self._revocations:
            raise Unauthenticated("This session was signed out.", code="session_revoked")
        return caller, token

    def revoke(self, event: dict[str, Any]) -> None:
        """Applies a `session_revoked` event."""
        self._revocations.add(event["session_ids"], event["expires_at"])
