"""Signing up: registering an account, so many a day from one network."""

from dataclasses import dataclass
from typing import Any

import uuid6
from sqlalchemy import Connection, Row
from sqlalchemy.dialects.postgresql import insert

from chassis.runtime.context import Call
from chassis.storage import outbox
from chassis.storage.database import Db
from chassis.storage.idempotency import run_idempotently
from kit.errors import Conflict, Invalid, TooMany, field_errors
from kit.http.addresses import is_local, network_of
from services.accounts import contract
from services.accounts.commands.prove_password import RunInThread
from services.accounts.credentials import attempts, passwords
from services.accounts.credentials.attempts import Count
from services.accounts.credentials.fingerprints import protect_fingerprint
from services.accounts.credentials.refresh_tokens import keyed_digest
from services.accounts.emails import is_special_use, normalise
from services.accounts.models import ACCOUNTS
from services.accounts.queries import find_account_by_email
from services.accounts.rendering import render_account, render_account_named
from services.accounts.reserved_names import refuse_reserved
from services.accounts.settings import AccountSettings
from services.accounts.types import Account

QUOTA = "sign_ups_per_day"
DAY_SECONDS = 24 * 3600


@dataclass(frozen=True)
class NewAccount:
    """What a person signs up with."""

    email: str
    password: str
    display_name: str


def sign_up(
    db: Db, call: Call, settings: AccountSettings, run_in_thread: RunInThread, new: NewAccount
) -> Account:
    """Registers an account.

    Raises: Invalid `common_password`, `reserved_name`, or for an address that no mail reaches; Conflict
    `email_taken`; TooMany `quota_exceeded`; Unavailable `busy`.
    """
    protect_fingerprint(call, settings)
    passwords.refuse_common("password", new.password)
    if settings.environment == "production" and is_special_use(new.email):
        why = "No mail reaches this domain."
        raise Invalid(why, errors=field_errors({"email": [why]}))
    password_hash = run_in_thread(passwords.hash_password, new.password)

    def register(connection: Connection) -> Account:
        account = _insert(connection, new, password_hash)
        _require_quota(connection, call.address, settings)
        return render_account(account)

    return run_idempotently(db, call, register)


def _insert(connection: Connection, new: NewAccount, password_hash: str) -> Row[Any]:
    """Of two that race for one address, exactly one gets it."""
    refuse_reserved(new.display_name)
    if find_account_by_email(connection, new.email) is not None:
        raise _email_taken()
    account = connection.execute(
        insert(ACCOUNTS)
        .values(
            id=str(uuid6.uuid7()),
            email=new.email,
            email_normalised=normalise(new.email),
            password_hash=password_hash,
            display_name=new.display_name,
        )
        .on_conflict_do_nothing(index_elements=[ACCOUNTS.c.email_normalised])
        .returning(ACCOUNTS)
    ).first()
    if account is None:
        raise _email_taken()
    outbox.record(connection, contract.ACCOUNT_REGISTERED, **render_account_named(account))
    return account


def _require_quota(connection: Connection, address: str, settings: AccountSettings) -> None:
    """Counts registered accounts only. Local networks are not limited, because their address is that of
    a proxy which does not name its client, or of the operator's own people."""
    if not settings.sign_ups_per_day or not address or is_local(address):
        return
    subject = keyed_digest(settings.session_secret, "sign-ups from", network_of(address))
    count = Count(subject, settings.sign_ups_per_day, DAY_SECONDS)
    if attempts.record_attempt(connection, count) is None:
        raise TooMany(
            f"At most {count.allowed} accounts can be made from one address in 24 hours.",
            code="quota_exceeded",
            quota=QUOTA,
            retry_after_seconds=attempts.seconds_to_wait(connection, [count]) or 1,
        )


def _email_taken() -> Conflict:
    return Conflict("There is an account with this e-mail address already.", code="email_taken")
