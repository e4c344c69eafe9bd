"""Closing sessions, in the caller's transaction."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, update

from chassis.storage import outbox
from kit.errors import NotFound
from kit.security.tokens import Caller
from kit.validation import is_id, rfc3339
from services.accounts import contract
from services.accounts.models import SESSIONS
from services.accounts.settings import AccountSettings


def close_sessions(
    connection: Connection, account_id: str, settings: AccountSettings, *which: ColumnElement[bool]
) -> int:
    """Closes an account's live sessions, or those that meet the conditions, and publishes it.

    Returns how many were closed.
    """
    closed = connection.execute(
        update(SESSIONS)
        .where(SESSIONS.c.account_id == account_id, SESSIONS.c.revoked_at.is_(None))
        .where(SESSIONS.c.expires_at > func.now(), *which)
        .values(revoked_at=func.now())
        .returning(SESSIONS.c.id, SESSIONS.c.revoked_at)
    ).all()
    publish_revoked(connection, account_id, closed, settings)
    return len(closed)


def close_all_sessions(connection: Connection, caller: Caller, settings: AccountSettings) -> None:
    """Closes all sessions of the caller's."""
    close_sessions(connection, caller.id, settings)


def close_own_session(
    connection: Connection, caller: Caller, session_id: str, settings: AccountSettings
) -> None:
    """Closes one session of the caller's, by its id or as `current`.

    Raises: NotFound when it is not theirs, or closed already.
    """
    wanted = caller.session_id if session_id == contract.CURRENT_SESSION else session_id
    if not is_id(wanted) or not close_sessions(connection, caller.id, settings, SESSIONS.c.id == wanted):
        raise NotFound("There is no such session.")


def publish_revoked(
    connection: Connection, account_id: str, closed: Sequence[Row[Any]], settings: AccountSettings
) -> None:
    """Records `session_revoked` for closed sessions, so that gateways refuse their access tokens."""
    if closed:
        outbox.record(
            connection,
            contract.SESSION_REVOKED,
            account_id=account_id,
            session_ids=[row.id for row in closed],
            expires_at=rfc3339(closed[0].revoked_at + settings.accepted_token_lifetime),
        )
