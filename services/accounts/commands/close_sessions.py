"""Sessions: opening, refreshing and closing them, each inside the caller's transaction.

The answers made here are stored for repeats, so they hold no token: the service makes the tokens
from them again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, select, update

from chassis.storage import outbox
from kit.errors import BadQuery, NotFound
from kit.paging import Page, decode_cursor, page_of
from kit.tokens import LEEWAY_SECONDS, Caller
from kit.validation import is_id, rfc3339
from services.accounts import contract, security_events
from services.accounts import statements as queries
from services.accounts.contract import SecurityEventType
from services.accounts.credentials.attempts import purge_attempts
from services.accounts.credentials.refresh_tokens import (
    Presented,
    Verdict,
    digest,
    judge,
    keyed_digest,
    successor,
)
from services.accounts.models import REFRESH_TOKENS, SESSIONS
from services.accounts.rendering import render_account, render_listed_session
from services.accounts.security_events import Origin
from services.accounts.settings import AccountSettings

Json = dict[str, Any]
PURGE_BATCH = 1000
# A session takes thousands of used tokens with it.
PURGED_SESSIONS = 50


@dataclass(frozen=True)
class NewSession:
    """What is known of a session before it is opened; its origin is for its owner's eyes.

    `known_browser` is the earlier session by which its browser is known.
    """

    id: str
    first_token: str
    origin: Origin
    known_browser: str | None


@dataclass(frozen=True)
class Refresh:
    """A refresh token being used: its successor, the digest of the call's idempotency key, and by whom."""

    token: str
    successor: str
    key_digest: str
    origin: Origin

    @classmethod
    def by(cls, token: str, key: str, origin: Origin, settings: AccountSettings) -> "Refresh":
        """What a call with this idempotency key makes of a token."""
        secret = settings.session_secret
        return cls(token, successor(secret, token, key), keyed_digest(secret, "key", key), origin)


def open_session(
    connection: Connection, account: Row[Any], new: NewSession, settings: AccountSettings
) -> Json:
    """Opens a session; an account with too many loses the one unused for longest."""
    opened = connection.execute(
        queries.OPEN_SESSION,
        {
            "session_id": new.id,
            "account_id": account.id,
            "client": new.origin.browser,
            "address": new.origin.address,
            "digest": digest(new.first_token),
            "token_days": settings.refresh_token_days,
        },
    ).one()
    if new.known_browser is None:
        security_events.record_new_browser(connection, account.id, new.id, new.origin)
    surplus = {"account_id": account.id, "kept": settings.sessions_per_account}
    closed = connection.execute(queries.CLOSE_SURPLUS, surplus).all()
    _tell_revoked(connection, account.id, closed, settings)
    return {**_issued(new.id, opened.created_at, account), "browser": new.known_browser or new.id}


def refresh_session(connection: Connection, refresh: Refresh, settings: AccountSettings) -> Json | None:
    """Uses a refresh token up. None when it is refused; if that is because it was used before, the
    session is closed by this very transaction, so the refusal must be raised after the commit.
    """
    row = connection.execute(queries.presented_token(digest(refresh.token))).first()
    if row is None:
        return None
    match judge(_presented(row), refresh.key_digest, row.now, settings.refresh_repeat_seconds):
        case Verdict.ROTATE:
            return _rotate(connection, row, refresh, settings)
        case Verdict.REPEAT:
            issued = select(REFRESH_TOKENS.c.issued_at).where(
                REFRESH_TOKENS.c.digest == digest(refresh.successor)
            )
            return _issued(row.session_id, connection.execute(issued).scalar_one(), row)
        case Verdict.REVOKE:
            _close_reused(connection, row, refresh.origin, settings)
    return None


def _close_reused(connection: Connection, row: Row[Any], origin: Origin, settings: AccountSettings) -> None:
    close_sessions(connection, row.id, settings, SESSIONS.c.id == row.session_id)
    kind = SecurityEventType.REFRESH_TOKEN_REUSED
    security_events.record(connection, kind, row.id, origin, session_id=row.session_id)


def is_live(connection: Connection, session_id: str) -> bool:
    """Whether a session is open: neither signed out nor expired."""
    live = select(SESSIONS.c.id).where(
        SESSIONS.c.id == session_id, SESSIONS.c.revoked_at.is_(None), SESSIONS.c.expires_at > func.now()
    )
    return connection.execute(live).first() is not None


def close_sessions(
    connection: Connection, account_id: str, settings: AccountSettings, *which: ColumnElement[bool]
) -> int:
    """Closes an account's live sessions (those that `which` says) and tells every gateway; how many."""
    closed = connection.execute(
        update(SESSIONS)
        .where(SESSIONS.c.account_id == account_id, SESSIONS.c.revoked_at.is_(None))
        .where(SESSIONS.c.expires_at > func.now(), *which)
        .values(revoked_at=func.now())
        .returning(SESSIONS.c.id, SESSIONS.c.revoked_at)
    ).all()
    _tell_revoked(connection, account_id, closed, settings)
    return len(closed)


def close_own(connection: Connection, caller: Caller, session_id: str, settings: AccountSettings) -> None:
    """Closes one session of the caller's, by its id or as `current`.

    Raises: NotFound when it is not theirs, or closed already.
    """
    wanted = caller.session_id if session_id == contract.CURRENT_SESSION else session_id
    if not is_id(wanted) or not close_sessions(connection, caller.id, settings, SESSIONS.c.id == wanted):
        raise NotFound("There is no such session.")


def page_of_sessions(
    connection: Connection, caller: Caller, limit: int, cursor: str | None
) -> Page[dict[str, Any]]:
    """The caller's live sessions, newest first."""
    filters = {"sessions_of": caller.id}
    position = decode_cursor(cursor, filters, 1)
    if position is not None and not is_id(position[0]):
        raise BadQuery.parameter("cursor", "invalid_cursor", "The cursor is not one this API gave out.")
    query = queries.live_sessions(caller.id, position[0] if position else None, limit + 1)
    rows = connection.execute(query).all()
    return page_of(
        rows, limit, filters, lambda row: [row.id], lambda row: render_listed_session(row, caller.session_id)
    )


def purge(connection: Connection, settings: AccountSettings) -> None:
    """Removes a batch of dead sessions, expired tokens, attempts that no longer count, old events."""
    kept = timedelta(hours=settings.dead_session_hours)
    connection.execute(queries.PURGE_SESSIONS, {"kept": kept, "batch": PURGED_SESSIONS})
    connection.execute(queries.PURGE_REFRESH_TOKENS, {"batch": PURGE_BATCH})
    purge_attempts(connection, PURGE_BATCH)
    security_events.purge_events(connection, settings.security_event_days, PURGE_BATCH)


def live_revocations(connection: Connection, settings: AccountSettings) -> list[Json]:
    """The closed sessions of which an access token may still be good."""
    lifetime = _token_lifetime(settings)
    closed = connection.execute(
        select(SESSIONS.c.id, SESSIONS.c.revoked_at).where(SESSIONS.c.revoked_at > func.now() - lifetime)
    )
    return [{"session_id": row.id, "expires_at": rfc3339(row.revoked_at + lifetime)} for row in closed]


def _presented(row: Row[Any]) -> Presented:
    return Presented(
        used_at=row.used_at,
        used_with=row.used_with,
        expires_at=row.token_expires_at,
        session_expires_at=row.session_expires_at,
        session_revoked_at=row.revoked_at,
    )


def _rotate(connection: Connection, row: Row[Any], refresh: Refresh, settings: AccountSettings) -> Json:
    rotated = connection.execute(
        queries.ROTATE,
        {
            "session_id": row.session_id,
            "digest": digest(refresh.token),
            "used_with": refresh.key_digest,
            "successor": digest(refresh.successor),
            "token_days": settings.refresh_token_days,
            "session_days": settings.session_days,
        },
    ).one()
    return _issued(row.session_id, rotated.issued_at, row)


def _issued(session_id: str, issued_at: Any, account: Row[Any]) -> Json:
    return {
        "session_id": session_id,
        "issued_at": int(issued_at.timestamp()),
        "account": render_account(account),
    }


def _tell_revoked(
    connection: Connection, account_id: str, closed: Sequence[Row[Any]], settings: AccountSettings
) -> None:
    if closed:
        outbox.record(
            connection,
            contract.SESSION_REVOKED,
            account_id=account_id,
            session_ids=[row.id for row in closed],
            expires_at=rfc3339(closed[0].revoked_at + _token_lifetime(settings)),
        )


def _token_lifetime(settings: AccountSettings) -> timedelta:
    # A call may still be accepted a little after its token expired, if it waited in a queue.
    return timedelta(seconds=settings.access_token_seconds + LEEWAY_SECONDS)
