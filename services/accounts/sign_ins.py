"""Proving a password, with so many failures per address and window, whether or not it is known.

The limit is looked at before a password is checked and again afterwards, so that of a burst of
simultaneous guesses only as many are answered as of guesses made one after the other, while
any number of right sign-ins may run side by side.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Row

from chassis.database import Db
from kit.errors import TooMany
from services.accounts import passwords, queries, registry
from services.accounts.emails import normalise
from services.accounts.refresh_tokens import keyed_digest
from services.accounts.settings import AccountSettings

# Runs work that would stop the green loop somewhere else: `slowly(function, *arguments)`.
Slowly = Callable[..., Any]


@dataclass(frozen=True)
class Proof:
    """An account whose password was just given; with its hash under today's parameters, if that is due."""

    account: Row[Any]
    better_hash: str | None


def prove(db: Db, slowly: Slowly, email: str, password: str, settings: AccountSettings) -> Proof | None:
    """Checks a password; None when it is wrong or nobody has that address, after the same work.

    Raises: TooMany with `retry_after_seconds`; Unavailable.
    """

    def look_up(connection: Connection) -> Row[Any] | None:
        refuse_if_too_many(connection, email, settings)
        return registry.find_by_email(connection, email)

    account = db.read(look_up)
    is_right = slowly(passwords.is_right, password, account and account.password_hash)
    if account is None or not is_right:
        db.write(lambda connection: _record_failure(connection, email, settings))
        return None
    outdated = passwords.is_outdated(account.password_hash)
    return Proof(account, slowly(passwords.hash_password, password) if outdated else None)


def refuse_if_too_many(connection: Connection, email: str, settings: AccountSettings) -> None:
    """Lets nobody on whose address failed too often; also to be asked in the transaction after `prove`.

    Raises: TooMany with `retry_after_seconds`, when the oldest failure that counts is forgotten.
    """
    seconds = connection.execute(queries.SIGN_IN_PAUSE, _limits(email, settings)).scalar()
    if seconds is not None:
        raise TooMany(
            "Too many failed sign-ins for this account; try again later.",
            code="too_many_sign_ins",
            retry_after_seconds=max(1, int(seconds)),
        )


def _record_failure(connection: Connection, email: str, settings: AccountSettings) -> None:
    if connection.execute(queries.RECORD_FAILURE, _limits(email, settings)).first() is None:
        refuse_if_too_many(connection, email, settings)


def _limits(email: str, settings: AccountSettings) -> dict[str, object]:
    return {
        "email_digest": keyed_digest(settings.session_secret, "email", normalise(email)),
        "allowed": settings.failed_sign_ins,
        "period": timedelta(seconds=settings.failed_sign_in_seconds),
    }
