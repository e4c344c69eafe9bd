"""Whether some e-mail address has more than one account."""

from collections import defaultdict

from sqlalchemy import Connection, func, or_, select

from cli.doctor.checks import Finding, ok, warning
from services.accounts.emails import normalise
from services.accounts.models import ACCOUNTS

MOST_SHOWN = 10
ADVICE = (
    "They are of releases before domains had one form; each signs in with the address as it signed up. "
    "Ask their owner which one should stay."
)


def examine_addresses(connection: Connection, subject: str) -> Finding:
    """Looks for accounts whose addresses differ only in how their domain is written."""
    shared = {address: ids for address, ids in _accounts_by_address(connection).items() if len(ids) > 1}
    if not shared:
        return ok(subject, "e-mail addresses", "each has one account")
    listed = [" and ".join(sorted(ids)) for ids in list(shared.values())[:MOST_SHOWN]]
    found = f"{len(shared)} with several accounts: {'; '.join(listed)}"
    return warning(subject, "e-mail addresses", found, ADVICE)


def _accounts_by_address(connection: Connection) -> dict[str, set[str]]:
    """Ids of accounts by the one form of their address, for addresses that can have several forms."""
    id_, stored = ACCOUNTS.c.id, ACCOUNTS.c.email_normalised
    not_ascii = func.octet_length(stored) != func.char_length(stored)
    several_forms = select(id_, stored).where(or_(not_ascii, stored.like("%@%xn--%")))
    accounts: dict[str, set[str]] = defaultdict(set)
    for account_id, email in connection.execute(several_forms):
        accounts[normalise(email)].add(account_id)
    for account_id, email in connection.execute(select(id_, stored).where(stored.in_(list(accounts)))):
        accounts[email].add(account_id)
    return accounts
