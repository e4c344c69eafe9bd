"""Signing up: so many accounts a day from one network."""

from typing import Any

from sqlalchemy import Connection, Row

from kit.addresses import is_local, network_of
from kit.errors import TooMany
from services.accounts.commands import sign_up as registry
from services.accounts.commands.sign_up import NewAccount
from services.accounts.credentials import attempts
from services.accounts.credentials.attempts import Count
from services.accounts.credentials.refresh_tokens import keyed_digest
from services.accounts.settings import AccountSettings

QUOTA = "sign_ups_per_day"
DAY_SECONDS = 24 * 3600


def sign_up(connection: Connection, new: NewAccount, address: str, settings: AccountSettings) -> Row[Any]:
    """Makes an account. Only accounts that were made count; local networks are not limited, because there
    the address is that of a proxy which does not say for whom it asks, or of the operator's own people.

    Raises: Conflict `email_taken`; TooMany `quota_exceeded` naming the quota.
    """
    account = registry.register(connection, new)
    if not settings.sign_ups_per_day or not address or is_local(address):
        return account
    subject = keyed_digest(settings.session_secret, "sign-ups from", network_of(address))
    count = Count(subject, settings.sign_ups_per_day, DAY_SECONDS)
    if attempts.record_attempt(connection, count) is None:
        raise TooMany(
            f"At most {count.allowed} accounts can be made from one address in 24 hours.",
            code="quota_exceeded",
            quota=QUOTA,
            retry_after_seconds=attempts.seconds_to_wait(connection, [count]) or 1,
        )
    return account
