"""The role `staff`: operators grant and revoke it, from the command line only."""

import uuid6
from sqlalchemy import Connection, func, insert, select, update

from chassis.storage.database import Db
from kit.errors import NotFound
from services.accounts import security_events
from services.accounts.commands.close_sessions import close_sessions
from services.accounts.contract import SecurityEventType
from services.accounts.models import ACCOUNTS, STAFF_GRANTS
from services.accounts.queries import find_account_by_email
from services.accounts.security_events import Origin
from services.accounts.settings import AccountSettings

STAFF = "staff"
NOWHERE = Origin(None, None)  # the command line


def grant_staff(db: Db, email: str, operator: str) -> str:
    """Makes an account staff from its next access token on; the account's id.

    Who did it and when is stored; granting again changes nothing. Raises: NotFound.
    """
    return db.write(lambda connection: _set_staff(connection, email, operator, True)[0])


def revoke_staff(db: Db, email: str, operator: str, settings: AccountSettings) -> str:
    """Revokes the role; the account's id. Its sessions are closed, since their tokens still say staff.

    Raises: NotFound.
    """

    def effect(connection: Connection) -> str:
        account_id, changed = _set_staff(connection, email, operator, False)
        if changed:
            close_sessions(connection, account_id, settings)
        return account_id

    return db.write(effect)


def _set_staff(connection: Connection, email: str, operator: str, granted: bool) -> tuple[str, bool]:
    found = find_account_by_email(connection, email)
    if found is None:
        raise NotFound(f"No account has the e-mail address {email}.")
    account = connection.execute(select(ACCOUNTS).where(ACCOUNTS.c.id == found.id).with_for_update()).one()
    if (STAFF in account.roles) == granted:
        return account.id, False
    change = func.array_append if granted else func.array_remove
    connection.execute(
        update(ACCOUNTS)
        .where(ACCOUNTS.c.id == account.id)
        .values(roles=change(ACCOUNTS.c.roles, STAFF), version=account.version + 1, updated_at=func.now())
    )
    row = {"id": str(uuid6.uuid7()), "account_id": account.id, "granted": granted, "operator": operator}
    connection.execute(insert(STAFF_GRANTS).values(row))
    action = "staff_granted" if granted else "staff_revoked"
    security_events.record(connection, SecurityEventType.OPERATOR_ACT, account.id, NOWHERE, act=action)
    return account.id, True
