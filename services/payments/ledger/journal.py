"""The journal: movements are recorded in their caller's transaction, with the balances they change."""

from typing import Any

import uuid6
from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert

from services.payments.ledger.rules import Movement
from services.payments.models import BALANCES, ENTRIES, MOVEMENTS

_COLUMNS = {"provider_pending": "pending_minor", "provider_available": "available_minor"}


def record_movement(connection: Connection, movement: Movement, **subject: str) -> None:
    """Records a movement and brings its provider's balance up to date.

    `subject` names the order, payment, refund or payout. The database refuses a movement that
    does not balance, and a second one of what happens once.
    """
    movement_id = str(uuid6.uuid7())
    connection.execute(insert(MOVEMENTS).values(id=movement_id, kind=movement.kind, **subject))
    entries = [{"movement_id": movement_id, **vars(entry)} for entry in movement.entries]
    connection.execute(insert(ENTRIES), entries)
    _change_balance(connection, movement)


def _change_balance(connection: Connection, movement: Movement) -> None:
    changes: dict[str, Any] = {"pending_minor": 0, "available_minor": 0}
    for entry in movement.entries:
        if entry.account in _COLUMNS:
            changes[_COLUMNS[entry.account]] += entry.amount_minor
            changes |= {"provider_id": entry.owner_id, "currency": entry.currency}
    if "provider_id" not in changes:
        return
    # The row comes first, so that the check of the sum sees the change, not the difference.
    empty = {**changes, "pending_minor": 0, "available_minor": 0}
    connection.execute(insert(BALANCES).values(empty).on_conflict_do_nothing())
    of_provider = (
        BALANCES.c.provider_id == changes["provider_id"],
        BALANCES.c.currency == changes["currency"],
    )
    connection.execute(
        BALANCES.update()
        .where(*of_provider)
        .values({name: BALANCES.c[name] + changes[name] for name in _COLUMNS.values()})
    )
