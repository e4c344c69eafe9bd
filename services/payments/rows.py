"""Rows of receivables and payments: found, locked and changed.

A receivable and everything that belongs to its order is changed only under the lock of the receivable's
row, which is always taken first.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, FromClause, Select, func, select, update

from services.payments.access import Row, not_found
from services.payments.ledger.rules import Paid, Parties, Split
from services.payments.models import ACCOUNT_NAMES, PAYMENTS, RECEIVABLES

_CUSTOMERS = ACCOUNT_NAMES.alias("customers")
_PROVIDERS = ACCOUNT_NAMES.alias("providers")
CURRENT_NAMES = (
    func.coalesce(_CUSTOMERS.c.display_name, RECEIVABLES.c.customer_name).label("customer_name"),
    func.coalesce(_PROVIDERS.c.display_name, RECEIVABLES.c.provider_name).label("provider_name"),
)
_OTHER_COLUMNS = [column for column in RECEIVABLES.c if not column.name.endswith("_name")]


def join_names(source: FromClause) -> FromClause:
    """A source that has RECEIVABLES, joined with what CURRENT_NAMES selects."""
    return source.outerjoin(_CUSTOMERS, _CUSTOMERS.c.account_id == RECEIVABLES.c.customer_id).outerjoin(
        _PROVIDERS, _PROVIDERS.c.account_id == RECEIVABLES.c.provider_id
    )


def find_receivable(connection: Connection, order_id: str) -> Row | None:
    """What an order owes, with its parties' current names; None for an order that is unknown here."""
    return connection.execute(_receivable(order_id)).mappings().first()


def lock_receivable(connection: Connection, order_id: str) -> Row | None:
    """The same, locked until the transaction ends."""
    locked = _receivable(order_id).with_for_update(of=RECEIVABLES)
    return connection.execute(locked).mappings().first()


def lock_payment(connection: Connection, payment_id: str) -> tuple[Row, Row]:
    """A payment's receivable and the payment, both locked until the transaction ends.

    Raises: NotFound.
    """
    order_id = connection.scalar(select(PAYMENTS.c.order_id).where(PAYMENTS.c.id == payment_id))
    receivable = None if order_id is None else lock_receivable(connection, order_id)
    if receivable is None:
        raise not_found()
    locked = select(PAYMENTS).where(PAYMENTS.c.id == payment_id).with_for_update()
    return receivable, connection.execute(locked).mappings().one()


def find_payment(connection: Connection, payment_id: str) -> Row:
    """A payment with the number and title of its order. Raises: NotFound."""
    payment = connection.execute(payments_with_order().where(PAYMENTS.c.id == payment_id)).mappings().first()
    if payment is None:
        raise not_found()
    return payment


def payments_with_order() -> Select[Any]:
    """Payments with the number and title of their order."""
    joined = PAYMENTS.join(RECEIVABLES, RECEIVABLES.c.order_id == PAYMENTS.c.order_id)
    columns = (*PAYMENTS.c, RECEIVABLES.c.number, RECEIVABLES.c.service_title)
    return select(*columns).select_from(joined)


def change_payment(connection: Connection, payment: Row, **values: Any) -> None:
    """Changes a locked payment."""
    changed = {**values, "version": payment["version"] + 1, "updated_at": datetime.now(UTC)}
    connection.execute(update(PAYMENTS).where(PAYMENTS.c.id == payment["id"]).values(changed))


def parties_of(receivable: Row) -> Parties:
    """The parties of an order, for the ledger."""
    return Parties(receivable["customer_id"], receivable["provider_id"], receivable["currency"])


def paid_of(payment: Row) -> Paid:
    """A captured payment, for the ledger."""
    fee, fee_refunded = payment["fee_minor"], payment["fee_refunded_minor"]
    return Paid(
        split=Split(fee, payment["amount_minor"] - fee),
        refunded=Split(fee_refunded, payment["refunded_minor"] - fee_refunded),
    )


def _receivable(order_id: str) -> Select[Any]:
    columns = select(*_OTHER_COLUMNS, *CURRENT_NAMES).select_from(join_names(RECEIVABLES))
    return columns.where(RECEIVABLES.c.order_id == order_id)
