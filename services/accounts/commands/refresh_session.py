"""Refreshing a session: exchanging a refresh token for its successor.

The stored answer holds no token: a repeat under the same key derives the same tokens from it again.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from chassis.runtime.context import Call
from chassis.storage.database import Db
from chassis.storage.idempotency import run_idempotently
from kit.errors import Unauthenticated
from services.accounts import security_events, statements
from services.accounts.commands.close_sessions import close_sessions
from services.accounts.contract import SecurityEventType
from services.accounts.credentials.fingerprints import protect_fingerprint
from services.accounts.credentials.refresh_tokens import (
    Presented,
    Verdict,
    digest,
    judge,
    keyed_digest,
    successor,
)
from services.accounts.models import REFRESH_TOKENS, SESSIONS
from services.accounts.rendering import IssuedSession, render_issued, render_session
from services.accounts.security_events import Origin
from services.accounts.settings import AccountSettings
from services.accounts.types import Session


@dataclass(frozen=True)
class Refresh:
    """A presented refresh token with its successor, the digest of the call's key, and its origin."""

    token: str
    successor: str
    key_digest: str
    origin: Origin


def refresh_session(db: Db, call: Call, settings: AccountSettings, token: str, client: str | None) -> Session:
    """Returns the session with the successor of its refresh token and a new access token.

    Raises: Unauthenticated `invalid_refresh_token`.
    """
    key, secret = protect_fingerprint(call, settings), settings.session_secret
    key_digest, origin = keyed_digest(secret, "key", key), Origin(call.address or None, client)
    refresh = Refresh(token, successor(secret, token, key), key_digest, origin)
    issued = run_idempotently(db, call, lambda c: _exchange(c, refresh, settings))
    if issued and call.replayed:
        # The rules of refreshing, not those of stored answers, limit how long a repeat is accepted.
        issued = db.write(lambda c: _exchange(c, refresh, settings)) and issued
    if not issued:
        raise Unauthenticated("Sign in again.", code="invalid_refresh_token")
    return render_session(issued, refresh.successor, settings)


def _exchange(connection: Connection, refresh: Refresh, settings: AccountSettings) -> IssuedSession | None:
    """Marks the token as used. None when it is refused; if that is because it was used before, this very
    transaction closes the session, so the refusal must be raised after the commit."""
    row = connection.execute(statements.presented_token(digest(refresh.token))).first()
    if row is None:
        return None
    match judge(_presented(row), refresh.key_digest, row.now, settings.refresh_repeat_seconds):
        case Verdict.ROTATE:
            return _rotate(connection, row, refresh, settings)
        case Verdict.REPEAT:
            issued = select(REFRESH_TOKENS.c.issued_at).where(
                REFRESH_TOKENS.c.digest == digest(refresh.successor)
            )
            return render_issued(row.session_id, connection.execute(issued).scalar_one(), row)
        case Verdict.REVOKE:
            close_sessions(connection, row.id, settings, SESSIONS.c.id == row.session_id)
            kind = SecurityEventType.REFRESH_TOKEN_REUSED
            security_events.record(connection, kind, row.id, refresh.origin, session_id=row.session_id)
    return None


def _presented(row: Row[Any]) -> Presented:
    return Presented(
        used_at=row.used_at,
        used_with=row.used_with,
        expires_at=row.token_expires_at,
        session_expires_at=row.session_expires_at,
        session_revoked_at=row.revoked_at,
    )


def _rotate(
    connection: Connection, row: Row[Any], refresh: Refresh, settings: AccountSettings
) -> IssuedSession:
    rotated = connection.execute(
        statements.ROTATE,
        {
            "session_id": row.session_id,
            "digest": digest(refresh.token),
            "used_with": refresh.key_digest,
            "successor": digest(refresh.successor),
            "token_days": settings.refresh_token_days,
            "session_days": settings.session_days,
        },
    ).one()
    return render_issued(row.session_id, rotated.issued_at, row)
