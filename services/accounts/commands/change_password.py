"""Changing the caller's password."""

from sqlalchemy import Connection, func, update

from chassis.runtime.context import Call
from chassis.storage.database import Db
from chassis.storage.idempotency import find_stored_answer, run_idempotently
from kit.errors import Invalid
from kit.security.tokens import Caller
from services.accounts import security_events
from services.accounts.commands.close_sessions import close_sessions
from services.accounts.commands.prove_password import Attempt, Proof, RunInThread, prove_password
from services.accounts.contract import SecurityEventType
from services.accounts.credentials import passwords
from services.accounts.credentials.fingerprints import protect_fingerprint
from services.accounts.models import ACCOUNTS, SESSIONS
from services.accounts.queries import find_account, find_browser_of_session, lock_account_if_unchanged
from services.accounts.security_events import Origin
from services.accounts.settings import AccountSettings


def change_password(
    db: Db, call: Call, settings: AccountSettings, run_in_thread: RunInThread, current: str, new: str
) -> None:
    """Changes the caller's password and closes their other sessions.

    Raises: Invalid `wrong_password`, `common_password`; TooMany `too_many_sign_ins`; Unavailable `busy`.
    """
    protect_fingerprint(call, settings)
    caller = call.account
    if find_stored_answer(db, call) is not None:
        return
    passwords.refuse_common("new_password", new)
    attempt = db.read(lambda c: _attempt_of(c, caller, call))
    proof = prove_password(db, run_in_thread, attempt, current, settings)
    if proof is None:
        raise _wrong_password()
    new_hash = run_in_thread(passwords.hash_password, new)
    run_idempotently(db, call, lambda c: _replace(c, caller, proof, attempt.origin, new_hash, settings))


def _attempt_of(connection: Connection, caller: Caller, call: Call) -> Attempt:
    """Failures of somebody signed in count against their session."""
    account = find_account(connection, caller.id)
    browser = find_browser_of_session(connection, caller.session_id)
    return Attempt(account.email, Origin(call.address or None, browser), session_id=caller.session_id)


def _replace(
    connection: Connection,
    caller: Caller,
    proof: Proof,
    origin: Origin,
    password_hash: str,
    settings: AccountSettings,
) -> dict[str, int]:
    proof.lock_out.refuse_if_too_many(connection)
    if lock_account_if_unchanged(connection, proof.account) is None:
        raise _wrong_password()
    proof.lock_out.end(connection)
    changed = {"password_hash": password_hash, "password_changed_at": func.clock_timestamp()}
    connection.execute(update(ACCOUNTS).where(ACCOUNTS.c.id == caller.id).values(changed))
    security_events.record(connection, SecurityEventType.PASSWORD_CHANGED, caller.id, origin)
    others = SESSIONS.c.id != caller.session_id
    return {"closed": close_sessions(connection, caller.id, settings, others)}


def _wrong_password() -> Invalid:
    return Invalid.field("current_password", "wrong_password", "This is not your password.")
