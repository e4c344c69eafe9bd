"""Changing what people say about themselves."""

from collections.abc import Mapping

from sqlalchemy import Connection, func, select, update

from chassis.storage import outbox
from kit.security.tokens import Caller
from services.accounts import contract
from services.accounts.models import ACCOUNTS
from services.accounts.queries import no_such_account
from services.accounts.rendering import render_account, render_account_named
from services.accounts.reserved_names import refuse_reserved
from services.accounts.types import Account


def change_account(connection: Connection, caller: Caller, fields: Mapping[str, str]) -> Account:
    """Changes fields of the caller's account. Only a real change raises its version, and only another
    name is published.

    Raises: NotFound; Invalid `reserved_name`, unless the caller is staff.
    """
    query = select(ACCOUNTS).where(ACCOUNTS.c.id == caller.id).with_for_update()
    before = connection.execute(query).first()
    if before is None:
        raise no_such_account()
    changes = {name: value for name, value in fields.items() if getattr(before, name) != value}
    if not changes:
        return render_account(before)
    if "staff" not in before.roles:
        refuse_reserved(changes.get("display_name", ""))
    account = connection.execute(
        update(ACCOUNTS)
        .where(ACCOUNTS.c.id == caller.id)
        .values(**changes, version=ACCOUNTS.c.version + 1, updated_at=func.now())
        .returning(ACCOUNTS)
    ).one()
    if "display_name" in changes:
        outbox.record(connection, contract.ACCOUNT_UPDATED, **render_account_named(account))
    return render_account(account)
