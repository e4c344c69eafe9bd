"""Reads of accounts, sessions and security events; their longer SQL is in statements.py."""

from typing import Any

from sqlalchemy import Connection, Row, func, select

from kit.errors import NotFound
from kit.paging import ById, Page, decode_cursor, page_of
from kit.security.tokens import Caller
from kit.validation import is_id, rfc3339
from services.accounts import statements
from services.accounts.emails import stored_forms
from services.accounts.models import ACCOUNTS, SECURITY_EVENTS, SESSIONS
from services.accounts.rendering import (
    render_account,
    render_listed_session,
    render_profile,
    render_security_event,
)
from services.accounts.settings import AccountSettings
from services.accounts.types import Account, ListedSession, Profile, Revocations, SecurityEvent


def get_me(connection: Connection, caller: Caller) -> Account:
    """Returns the caller's own account. Raises: NotFound."""
    return render_account(find_account(connection, caller.id))


def get_profile(connection: Connection, account_id: str) -> Profile:
    """Returns what everyone may see of an account. Raises: NotFound."""
    row = connection.execute(statements.profile(account_id)).first() if is_id(account_id) else None
    if row is None:
        raise no_such_account()
    return render_profile(row)


def list_sessions(
    connection: Connection, caller: Caller, limit: int, cursor: str | None
) -> Page[ListedSession]:
    """Returns a page of the caller's live sessions, newest first. Raises: BadQuery."""
    filters = {"sessions_of": caller.id}
    before = decode_cursor(cursor, filters, ById)
    rows = connection.execute(statements.live_sessions(caller.id, before and before.id, limit + 1)).all()
    return page_of(rows, limit, filters, _by_id, lambda row: render_listed_session(row, caller.session_id))


def list_security_events(
    connection: Connection, caller: Caller, limit: int, cursor: str | None
) -> Page[SecurityEvent]:
    """Returns a page of the caller's security events, newest first. Raises: BadQuery."""
    filters = {"security_events_of": caller.id}
    before = decode_cursor(cursor, filters, ById)
    query = select(SECURITY_EVENTS).where(SECURITY_EVENTS.c.account_id == caller.id)
    if before is not None:
        query = query.where(SECURITY_EVENTS.c.id < before.id)
    rows = connection.execute(query.order_by(SECURITY_EVENTS.c.id.desc()).limit(limit + 1)).all()
    return page_of(rows, limit, filters, _by_id, render_security_event)


def list_revocations(connection: Connection, settings: AccountSettings) -> Revocations:
    """Returns the closed sessions of which an access token may still be valid."""
    lifetime = settings.accepted_token_lifetime
    closed = connection.execute(
        select(SESSIONS.c.id, SESSIONS.c.revoked_at).where(SESSIONS.c.revoked_at > func.now() - lifetime)
    )
    return {
        "data": [{"session_id": row.id, "expires_at": rfc3339(row.revoked_at + lifetime)} for row in closed]
    }


def is_session_live(connection: Connection, session_id: str) -> bool:
    """Whether a session is open: neither signed out nor expired."""
    live = select(SESSIONS.c.id).where(
        SESSIONS.c.id == session_id, SESSIONS.c.revoked_at.is_(None), SESSIONS.c.expires_at > func.now()
    )
    return connection.execute(live).first() is not None


def find_browser_of_session(connection: Connection, session_id: str) -> str | None:
    """Returns what the browser that opened a session called itself."""
    query = select(SESSIONS.c.client).where(SESSIONS.c.id == session_id)
    found: str | None = connection.execute(query).scalar()
    return found


def find_account(connection: Connection, account_id: str) -> Row[Any]:
    """Returns the account with this id. Raises: NotFound."""
    found = connection.execute(select(ACCOUNTS).where(ACCOUNTS.c.id == account_id)).first()
    if found is None:
        raise no_such_account()
    return found


def find_account_by_email(connection: Connection, email: str) -> Row[Any] | None:
    """Returns the account with this address, whatever the case and the form of its domain."""
    forms, stored = stored_forms(email), ACCOUNTS.c.email_normalised
    best_first = [(stored == form).desc() for form in forms]
    return connection.execute(
        select(ACCOUNTS).where(stored.in_(forms)).order_by(*best_first).limit(1)
    ).first()


def lock_account_if_unchanged(connection: Connection, proven: Row[Any]) -> Row[Any] | None:
    """Returns the current account, locked; None when its password is no longer the one just proven.

    Without the lock a session could be opened with the old password while a change of password
    closes the sessions it sees.
    """
    return connection.execute(
        select(ACCOUNTS)
        .where(ACCOUNTS.c.id == proven.id, ACCOUNTS.c.password_changed_at == proven.password_changed_at)
        .with_for_update(key_share=True)
    ).first()


def no_such_account() -> NotFound:
    """Returns the error for an unknown account."""
    return NotFound("There is no such account.")


def _by_id(row: Row[Any]) -> ById:
    return ById(row.id)
