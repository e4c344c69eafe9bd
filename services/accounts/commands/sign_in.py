"""Signing in: opening a session.

The stored answer holds no token: a repeat under the same key derives the same tokens from it again.
"""

from dataclasses import dataclass
from typing import Any, cast

import uuid6
from sqlalchemy import Connection, Row, update

from chassis.runtime.context import Call
from chassis.storage.database import Db
from chassis.storage.idempotency import find_stored_answer, run_idempotently
from kit.errors import Unauthenticated
from services.accounts import security_events, statements
from services.accounts.commands.close_sessions import publish_revoked
from services.accounts.commands.prove_password import Attempt, Proof, RunInThread, prove_password
from services.accounts.credentials.fingerprints import protect_fingerprint
from services.accounts.credentials.refresh_tokens import digest, first_token
from services.accounts.models import ACCOUNTS
from services.accounts.queries import is_session_live, lock_account_if_unchanged
from services.accounts.rendering import IssuedSession, render_issued, render_sign_in
from services.accounts.security_events import Origin
from services.accounts.settings import AccountSettings
from services.accounts.types import Session


@dataclass(frozen=True)
class SignIn:
    """What a person signs in with."""

    email: str
    password: str
    client: str | None
    device_tokens: str


def sign_in(
    db: Db, call: Call, settings: AccountSettings, run_in_thread: RunInThread, wanted: SignIn
) -> Session:
    """Opens a session; a repeat under the same key returns the same tokens while it is open.

    Raises: Unauthenticated `invalid_credentials`, `session_revoked`; TooMany `too_many_sign_ins`;
    Unavailable `busy`.
    """
    key = protect_fingerprint(call, settings)
    issued = cast(IssuedSession | None, find_stored_answer(db, call))
    if issued is None:
        attempt = Attempt(wanted.email, Origin(call.address or None, wanted.client), wanted.device_tokens)
        proof = prove_password(db, run_in_thread, attempt, wanted.password, settings)
        if proof is None:
            raise _invalid_credentials()
        issued = _open_session(db, call, settings, proof, attempt.origin, wanted.password, key)
    session_id = issued["session_id"]
    if call.replayed and not db.read(lambda c: is_session_live(c, session_id)):
        raise Unauthenticated("This session was signed out. Sign in again.", code="session_revoked")
    token = first_token(settings.session_secret, session_id, wanted.password, key)
    return render_sign_in(issued, token, settings)


def _open_session(
    db: Db, call: Call, settings: AccountSettings, proof: Proof, origin: Origin, password: str, key: str
) -> IssuedSession:
    session_id = str(uuid6.uuid7())
    token = first_token(settings.session_secret, session_id, password, key)

    def open_session(connection: Connection) -> IssuedSession:
        proof.lock_out.refuse_if_too_many(connection)
        account = lock_account_if_unchanged(connection, proof.account)
        if account is None:
            raise _invalid_credentials()
        if proof.better_hash is not None:
            better = {"password_hash": proof.better_hash}
            connection.execute(update(ACCOUNTS).where(ACCOUNTS.c.id == account.id).values(better))
        proof.lock_out.end(connection)
        new = _NewSession(session_id, token, origin, proof.known_browser)
        return _insert(connection, account, new, settings)

    return run_idempotently(db, call, open_session)


@dataclass(frozen=True)
class _NewSession:
    """`known_browser` is the earlier session by which its browser is known."""

    id: str
    first_token: str
    origin: Origin
    known_browser: str | None


def _insert(
    connection: Connection, account: Row[Any], new: _NewSession, settings: AccountSettings
) -> IssuedSession:
    """An account with too many sessions loses the one unused for longest."""
    opened = connection.execute(
        statements.OPEN_SESSION,
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
    closed = connection.execute(statements.CLOSE_SURPLUS, surplus).all()
    publish_revoked(connection, account.id, closed, settings)
    return {**render_issued(new.id, opened.created_at, account), "browser": new.known_browser or new.id}


def _invalid_credentials() -> Unauthenticated:
    return Unauthenticated("E-mail address or password is wrong.", code="invalid_credentials")
