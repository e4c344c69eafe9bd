"""What is read: dues, payments with their refunds, payouts, balances and transactions."""

from typing import Any

from sqlalchemy import Connection, FromClause, Select, func, or_, select

from chassis.runtime.audit import log_staff_read
from kit.errors import NotFound
from kit.tokens import Caller
from kit.validation import is_id
from services.payments.models import ACCOUNT_NAMES, BALANCES, DUES, PAYMENTS, PAYOUTS, REFUNDS
from services.payments.rendering import Json, Row, money, render_payment

_CUSTOMERS = ACCOUNT_NAMES.alias("customers")
_PROVIDERS = ACCOUNT_NAMES.alias("providers")
_CURRENT_NAMES = (
    func.coalesce(_CUSTOMERS.c.display_name, DUES.c.customer_name).label("customer_name"),
    func.coalesce(_PROVIDERS.c.display_name, DUES.c.provider_name).label("provider_name"),
)
_PLAIN = [column for column in DUES.c if not column.name.endswith("_name")]
_OF_ORDER = ("number", "service_id", "service_title", "customer_id", "provider_id")


class OrderUnknown(Exception):
    """No event of this order has arrived here yet: orders must be asked."""


def nothing_there() -> NotFound:
    """The one answer for what does not exist and for what is none of the caller's business."""
    return NotFound("There is no such order or payment.")


def find_due(connection: Connection, order_id: str, lock: bool = False) -> Row | None:
    """The due of an order with its parties' current names, None while it is not known here."""
    query = select(*_PLAIN, *_CURRENT_NAMES).select_from(_named(DUES)).where(DUES.c.order_id == order_id)
    if lock:
        query = query.with_for_update(of=DUES)
    return connection.execute(query).mappings().first()


def find_payment(connection: Connection, payment_id: str, caller: Caller) -> Json:
    """One payment, for the parties of its order and staff.

    Raises: NotFound for everybody else.
    """
    if not is_id(payment_id):
        raise nothing_there()
    statement = _payments().where(PAYMENTS.c.id == payment_id)
    allowed = statement if caller.is_staff else statement.where(_is_party(caller))
    rendered = _rendered(connection, allowed, caller.id)
    if not rendered:
        raise nothing_there()
    row, payment = rendered[0]
    log_staff_read(caller, "payment", row["order_id"], (row["customer_id"], row["provider_id"]))
    return payment


def shown_payment(connection: Connection, payment_id: str, payer_id: str) -> Json:
    """One payment as the customer who pays sees it."""
    return _rendered(connection, _payments().where(PAYMENTS.c.id == payment_id), payer_id)[0][1]


def payments_of_order(
    connection: Connection, order_id: str, viewer_id: str, before_id: str | None, count: int
) -> list[tuple[Row, Json]]:
    """An order's payments, newest first, as rows and as JSON for somebody."""
    statement = _payments().where(PAYMENTS.c.order_id == order_id)
    if before_id is not None:
        statement = statement.where(PAYMENTS.c.id < before_id)
    return _rendered(connection, statement.order_by(PAYMENTS.c.id.desc()).limit(count), viewer_id)


def payouts_of(account_id: str, before_id: str | None, count: int) -> Select[Any]:
    """A provider's payouts, newest first."""
    statement = select(PAYOUTS).where(PAYOUTS.c.provider_id == account_id)
    if before_id is not None:
        statement = statement.where(PAYOUTS.c.id < before_id)
    return statement.order_by(PAYOUTS.c.id.desc()).limit(count)


def balance_of(connection: Connection, account_id: str) -> Json:
    """A provider's balance in each currency they ever earned."""
    statement = select(BALANCES).where(BALANCES.c.provider_id == account_id).order_by(BALANCES.c.currency)
    rows = connection.execute(statement).mappings().all()
    return {
        kind: [money(row[f"{kind}_minor"], row["currency"]) for row in rows]
        for kind in ("available", "pending")
    }


def may_see(caller: Caller, due: Row) -> bool:
    """Whether an order is any of somebody's business."""
    return caller.is_staff or caller.id in (due["customer_id"], due["provider_id"])


def _is_party(caller: Caller) -> Any:
    return or_(DUES.c.customer_id == caller.id, DUES.c.provider_id == caller.id)


def _named(source: FromClause) -> FromClause:
    return source.outerjoin(_CUSTOMERS, _CUSTOMERS.c.account_id == DUES.c.customer_id).outerjoin(
        _PROVIDERS, _PROVIDERS.c.account_id == DUES.c.provider_id
    )


def _payments() -> Select[Any]:
    joined = _named(PAYMENTS.join(DUES, DUES.c.order_id == PAYMENTS.c.order_id))
    return select(*PAYMENTS.c, *(DUES.c[name] for name in _OF_ORDER), *_CURRENT_NAMES).select_from(joined)


def _rendered(connection: Connection, statement: Select[Any], viewer_id: str) -> list[tuple[Row, Json]]:
    rows = connection.execute(statement).mappings().all()
    found = select(REFUNDS).where(REFUNDS.c.payment_id.in_([row["id"] for row in rows]))
    refunds = connection.execute(found.order_by(REFUNDS.c.id)).mappings().all() if rows else []
    return [
        (row, render_payment(row, [one for one in refunds if one["payment_id"] == row["id"]], viewer_id))
        for row in rows
    ]
