"""How a customer stands when they order: what waits for an answer, and what is overdue."""

from typing import Any

from sqlalchemy import Connection, Select, Uuid, bindparam, func, select, true

from services.orders.contract import Status
from services.orders.models import ORDERS
from services.orders.rendering import number_of
from services.orders.submission import NOT_PAID, Standing

_CUSTOMER = bindparam("customer_id", type_=Uuid(as_uuid=False))
_PROVIDER = bindparam("provider_id", type_=Uuid(as_uuid=False))

_LOCK = select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("customer"), 0)))
_pending = (
    select(
        func.count().label("pending_in_all"),
        func.count().filter(ORDERS.c.provider_id == _PROVIDER).label("pending_at_provider"),
    )
    .where(ORDERS.c.customer_id == _CUSTOMER, ORDERS.c.status == Status.PENDING)
    .subquery("pending")
)
_overdue = (
    select(ORDERS.c.id.label("overdue_id"), ORDERS.c.number.label("overdue_number"))
    .where(ORDERS.c.customer_id == _CUSTOMER, ORDERS.c.payment_status.in_(NOT_PAID))
    .where(ORDERS.c.payment_due_at < func.now())
    .order_by(ORDERS.c.payment_due_at)
    .limit(1)
    .subquery("overdue")
)
STANDING: Select[Any] = select(_pending, _overdue).select_from(_pending.outerjoin(_overdue, true()))
"""One row for a customer (`customer_id`) who orders from a provider (`provider_id`)."""


def lock_standing(connection: Connection, customer_id: str, provider_id: str) -> Standing:
    """How a customer stands; it cannot change by another submission of theirs until the commit."""
    connection.execute(_LOCK, {"customer": customer_id})
    parameters = {"customer_id": customer_id, "provider_id": provider_id}
    row = connection.execute(STANDING, parameters).one()
    overdue_number = None if row.overdue_id is None else number_of({"number": row.overdue_number})
    return Standing(row.pending_in_all, row.pending_at_provider, row.overdue_id, overdue_number)
