"""Projections of other services' data: display names, and the state of an order's payment."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Uuid, bindparam, select, update
from sqlalchemy.dialects.postgresql import Insert, insert

from chassis.storage.projections import save_if_newer
from services.accounts.types import AccountNamed
from services.orders.models import ACCOUNT_NAMES, ORDERS
from services.payments.types import PaymentChanged

_ID = Uuid(as_uuid=False)


def save_display_name(connection: Connection, event: AccountNamed) -> None:
    """Stores the display name of an account event, unless a newer one is known."""
    name = {
        "account_id": event["account_id"],
        "display_name": event["display_name"],
        "account_version": event["account_version"],
    }
    save_if_newer(connection, ACCOUNT_NAMES, name, key=("account_id",), version="account_version")


def insert_unknown_names(*people: str) -> Insert:
    """Inserts names known from a token or an offer, as version 0, unless the account has a name.

    Parameters for each of the people: `<person>_id`, `<person>_name`.
    """
    rows = [
        {
            "account_id": bindparam(f"{person}_id", type_=_ID),
            "display_name": bindparam(f"{person}_name"),
            "account_version": 0,
        }
        for person in people
    ]
    return insert(ACCOUNT_NAMES).values(rows).on_conflict_do_nothing()


def stored_name(person: str) -> ColumnElement[Any]:
    """Selects the name stored for `<person>_id`, null for none."""
    name = select(ACCOUNT_NAMES.c.display_name)
    return name.where(ACCOUNT_NAMES.c.account_id == bindparam(f"{person}_id", type_=_ID)).scalar_subquery()


def save_payment_status(connection: Connection, event: PaymentChanged) -> None:
    """Stores the status and due date of a `payment_changed`, unless a newer one is known.

    This does not edit the order: its `version` and `updated_at` stay.
    """
    connection.execute(
        update(ORDERS)
        .where(ORDERS.c.id == event["order_id"], ORDERS.c.payment_version < event["payment_version"])
        .values(
            payment_status=event["payment_status"],
            payment_version=event["payment_version"],
            payment_due_at=datetime.fromisoformat(event["due_at"]),
        )
    )
