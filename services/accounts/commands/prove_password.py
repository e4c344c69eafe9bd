"""Proving a password, with a limit of failures per account and network, known accounts or not.

Failures count per account and network, and per account over all networks. A known browser (by the
device token of an earlier sign-in, or by being signed in) has a count of its own instead, so nobody
is locked out of a browser they use by the attempts of others.

The counts are read before a password is checked and again afterwards, so that of a burst of
simultaneous guesses only as many are answered as of guesses made one after the other, while
any number of right sign-ins may run side by side.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row

from chassis.storage.database import Db
from kit.errors import TooMany
from kit.http.addresses import network_of
from services.accounts import security_events
from services.accounts.credentials import attempts, passwords
from services.accounts.credentials.attempts import Count
from services.accounts.credentials.known_browsers import known_browser
from services.accounts.credentials.refresh_tokens import keyed_digest
from services.accounts.emails import normalise
from services.accounts.queries import find_account_by_email
from services.accounts.security_events import Origin
from services.accounts.settings import AccountSettings

HOUR_SECONDS = 3600
UNKNOWN_ACCOUNT_ID = str(UUID(int=0))

# Runs work that would stop the green loop somewhere else: `run_in_thread(function, *arguments)`.
RunInThread = Callable[..., Any]


@dataclass(frozen=True)
class Attempt:
    """One attempt to prove a password. `device_tokens` are those the browser presents, separated by
    spaces; `session_id` is that of a signed-in caller."""

    email: str
    origin: Origin
    device_tokens: str = ""
    session_id: str | None = None


@dataclass(frozen=True)
class LockOut:
    """The counts of one attempt by scope: those that may refuse it, and all that its failure adds to."""

    judging: dict[str, Count]
    counting: dict[str, Count]

    def refuse_if_too_many(self, connection: Connection) -> None:
        """Also to be asked in the transaction after `prove_password`.

        Raises: TooMany with `retry_after_seconds`, when the oldest failure that counts is forgotten.
        """
        seconds = attempts.seconds_to_wait(connection, list(self.judging.values()))
        if seconds is not None:
            raise TooMany(
                "Too many failed sign-ins for this account; try again later.",
                code="too_many_sign_ins",
                retry_after_seconds=seconds,
            )

    def end(self, connection: Connection) -> None:
        """The password was right: the counts of this network and this browser start anew."""
        mine = [count for scope, count in self.counting.items() if scope != "account"]
        attempts.forget_attempts(connection, mine)


@dataclass(frozen=True)
class Proof:
    """An account whose password was just given; with its hash under today's parameters, if that is due,
    and the earlier session that proves the browser."""

    account: Row[Any]
    better_hash: str | None
    known_browser: str | None
    lock_out: LockOut


def prove_password(
    db: Db, run_in_thread: RunInThread, attempt: Attempt, password: str, settings: AccountSettings
) -> Proof | None:
    """Checks a password; None when it is wrong or nobody has that address, after the same work.

    Raises: TooMany with `retry_after_seconds`; Unavailable.
    """

    def look_up(connection: Connection) -> tuple[Row[Any] | None, str | None, LockOut]:
        account = find_account_by_email(connection, attempt.email)
        browser = _browser_of(attempt, account, settings)
        lock_out = _lock_out(attempt, browser, settings)
        lock_out.refuse_if_too_many(connection)
        return account, browser, lock_out

    account, browser, lock_out = db.read(look_up)
    is_right = run_in_thread(passwords.is_right, password, account and account.password_hash)
    if account is None or not is_right:
        account_id = UNKNOWN_ACCOUNT_ID if account is None else account.id
        db.write(lambda connection: _record_failure(connection, account_id, attempt.origin, lock_out))
        return None
    outdated = passwords.is_outdated(account.password_hash)
    better_hash = run_in_thread(passwords.hash_password, password) if outdated else None
    return Proof(account, better_hash, browser, lock_out)


def _browser_of(attempt: Attempt, account: Row[Any] | None, settings: AccountSettings) -> str | None:
    """The earlier session that proves that the browser is known."""
    if account is None or attempt.session_id is not None:
        return attempt.session_id
    lifetime = timedelta(days=settings.known_browser_days)
    secret, now = settings.session_secret, datetime.now(UTC)
    return known_browser(attempt.device_tokens, account.id, secret, now, lifetime)


def _lock_out(attempt: Attempt, browser: str | None, settings: AccountSettings) -> LockOut:
    email, secret = normalise(attempt.email), settings.session_secret
    network = network_of(attempt.origin.address or "")
    allowed, period = settings.failed_sign_ins, settings.failed_sign_in_seconds
    counting = {
        "network": Count(keyed_digest(secret, "failures from", email, network), allowed, period),
        "account": Count(
            keyed_digest(secret, "failures", email), settings.failed_sign_ins_per_hour, HOUR_SECONDS
        ),
    }
    if browser is None:
        return LockOut(counting, counting)
    mine = {"browser": Count(keyed_digest(secret, "failures of", email, browser), allowed, period)}
    return LockOut(mine, {**counting, **mine})


def _record_failure(connection: Connection, account_id: str, origin: Origin, lock_out: LockOut) -> None:
    for scope, count in sorted(lock_out.counting.items(), key=lambda item: item[1].subject):
        attempts_now = attempts.record_attempt(connection, count)
        if attempts_now is None and scope in lock_out.judging:
            lock_out.refuse_if_too_many(connection)
        if attempts_now == count.allowed and scope in lock_out.judging:
            security_events.record_lock_out(connection, account_id, origin, scope)
