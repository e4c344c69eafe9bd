"""Accounts themselves: making and changing them, each inside the caller's transaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import uuid6
from sqlalchemy import Connection, Row, func, select, update
from sqlalchemy.dialects.postgresql import insert

from chassis.storage import outbox
from kit.contracts import Event
from kit.errors import Conflict, Invalid, NotFound
from services.accounts import contract
from services.accounts.emails import normalise, stored_forms
from services.accounts.models import ACCOUNTS
from services.accounts.reserved_names import is_reserved


@dataclass(frozen=True)
class NewAccount:
    """Who signs up; the password comes hashed."""

    email: str
    password_hash: str
    display_name: str


def register(connection: Connection, new: NewAccount) -> Row[Any]:
    """Makes an account. Of two that race for one address, exactly one gets it.

    Raises: Conflict `email_taken`; Invalid `reserved_name`.
    """
    _refuse_reserved(new.display_name)
    if find_by_email(connection, new.email) is not None:
        raise _email_taken()
    made = connection.execute(
        insert(ACCOUNTS)
        .values(
            id=str(uuid6.uuid7()),
            email=new.email,
            email_normalised=normalise(new.email),
            password_hash=new.password_hash,
            display_name=new.display_name,
        )
        .on_conflict_do_nothing(index_elements=[ACCOUNTS.c.email_normalised])
        .returning(ACCOUNTS)
    ).first()
    if made is None:
        raise _email_taken()
    _tell(connection, contract.ACCOUNT_REGISTERED, made)
    return made


def change(connection: Connection, account_id: str, wanted: Mapping[str, str]) -> Row[Any]:
    """Changes fields of an account; only a real change raises its version, only a new name is told.

    Raises: NotFound; Invalid `reserved_name`, to whom is not staff.
    """
    query = select(ACCOUNTS).where(ACCOUNTS.c.id == account_id).with_for_update()
    known = connection.execute(query).first()
    if known is None:
        raise no_account()
    changes = {name: value for name, value in wanted.items() if getattr(known, name) != value}
    if not changes:
        return known
    if "staff" not in known.roles:
        _refuse_reserved(changes.get("display_name", ""))
    changed = connection.execute(
        update(ACCOUNTS)
        .where(ACCOUNTS.c.id == account_id)
        .values(**changes, version=ACCOUNTS.c.version + 1, updated_at=func.now())
        .returning(ACCOUNTS)
    ).one()
    if "display_name" in changes:
        _tell(connection, contract.ACCOUNT_UPDATED, changed)
    return changed


def lock_if_unchanged(connection: Connection, proven: Row[Any]) -> Row[Any] | None:
    """The account as it is now, locked; None when it has another password than the one just proven.

    Without the lock a session could be opened with the old password while a change of password
    closes the sessions it sees.
    """
    return connection.execute(
        select(ACCOUNTS)
        .where(ACCOUNTS.c.id == proven.id, ACCOUNTS.c.password_changed_at == proven.password_changed_at)
        .with_for_update(key_share=True)
    ).first()


def change_password(connection: Connection, account_id: str, password_hash: str) -> None:
    """Stores the hash of a new password."""
    new = {"password_hash": password_hash, "password_changed_at": func.clock_timestamp()}
    connection.execute(update(ACCOUNTS).where(ACCOUNTS.c.id == account_id).values(new))


def improve_hash(connection: Connection, account_id: str, password_hash: str) -> None:
    """Stores a better hash of the same password."""
    connection.execute(
        update(ACCOUNTS).where(ACCOUNTS.c.id == account_id).values(password_hash=password_hash)
    )


def find(connection: Connection, account_id: str) -> Row[Any]:
    """The account with this id.

    Raises: NotFound.
    """
    found = connection.execute(select(ACCOUNTS).where(ACCOUNTS.c.id == account_id)).first()
    if found is None:
        raise no_account()
    return found


def find_by_email(connection: Connection, email: str) -> Row[Any] | None:
    """The account with this address, in whatever case and form of its domain it was typed."""
    forms, stored = stored_forms(email), ACCOUNTS.c.email_normalised
    best_first = [(stored == form).desc() for form in forms]
    return connection.execute(
        select(ACCOUNTS).where(stored.in_(forms)).order_by(*best_first).limit(1)
    ).first()


def _refuse_reserved(display_name: str) -> None:
    if is_reserved(display_name):
        detail = "This name is the marketplace's own, or looks like it."
        raise Invalid.field("display_name", "reserved_name", detail)


def _email_taken() -> Conflict:
    return Conflict("There is an account with this e-mail address already.", code="email_taken")


def no_account() -> NotFound:
    """The error of an account that is not there."""
    return NotFound("There is no such account.")


def _tell(connection: Connection, event: Event, account: Row[Any]) -> None:
    outbox.record(
        connection,
        event,
        account_id=account.id,
        display_name=account.display_name,
        account_version=account.version,
    )
