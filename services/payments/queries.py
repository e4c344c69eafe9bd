"""What is read: dues, payments with their refunds, payouts, balances and transactions."""

from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, FromClause, Select, func, or_, select

from chassis.runtime.audit import log_staff_read
from kit.tokens import Caller
from kit.validation import is_id
from services.payments.access import nothing_there, role_in_order
from services.payments.ledger.funds import payable_funds
from services.payments.models import ACCOUNT_NAMES, BALANCES, DUES, PAYMENTS, PAYOUTS, REFUNDS
from services.payments.rendering import Json, Row, money, render_payment, render_receivable

_CUSTOMERS = ACCOUNT_NAMES.alias("customers")
_PROVIDERS = ACCOUNT_NAMES.alias("providers")
_CURRENT_NAMES = (
    func.coalesce(_CUSTOMERS.c.display_name, DUES.c.customer_name).label("customer_name"),
    func.coalesce(_PROVIDERS.c.display_name, DUES.c.provider_name).label("provider_name"),
)
_PLAIN = [column for column in DUES.c if not column.name.endswith("_name")]
_OF_ORDER = ("number", "service_id", "service_title", "customer_id", "provider_id", "payment_status")


class OrderUnknown(Exception):
    """No event of this order has arrived here yet: orders must be asked."""


def find_due(connection: Connection, order_id: str, lock: bool = False) -> Row | None:
    """The due of an order with its parties' current names, None while it is not known here."""
    query = select(*_PLAIN, *_CURRENT_NAMES).select_from(_named(DUES)).where(DUES.c.order_id == order_id)
    if lock:
        query = query.with_for_update(of=DUES)
    return connection.execute(query).mappings().first()


def find_receivable(connection: Connection, order_id: str, caller: Caller) -> Json:
    """What an order owes, for its parties and staff.

    Raises: NotFound for everybody else; OrderUnknown.
    """
    receivable = require_visible(connection, order_id, caller)
    return render_receivable(receivable, caller)


def require_visible(connection: Connection, order_id: str, caller: Caller) -> Row:
    """The receivable of an order that the caller may see. Raises: NotFound; OrderUnknown."""
    if not is_id(order_id):
        raise nothing_there()
    receivable = find_due(connection, order_id)
    if receivable is None:
        raise OrderUnknown
    if role_in_order(caller, receivable) is None:
        raise nothing_there()
    log_staff_read(caller, "payments", order_id, (receivable["customer_id"], receivable["provider_id"]))
    return receivable


def find_payment(connection: Connection, payment_id: str, caller: Caller, action_period: timedelta) -> Json:
    """One payment, for the parties of its order and staff.

    Raises: NotFound for everybody else.
    """
    if not is_id(payment_id):
        raise nothing_there()
    statement = _payments().where(PAYMENTS.c.id == payment_id)
    allowed = statement if caller.is_staff else statement.where(_is_party(caller))
    rendered = _rendered(connection, allowed, caller, action_period)
    if not rendered:
        raise nothing_there()
    row, payment = rendered[0]
    log_staff_read(caller, "payment", row["order_id"], (row["customer_id"], row["provider_id"]))
    return payment


def shown_payment(connection: Connection, payment_id: str, payer: Caller, action_period: timedelta) -> Json:
    """One payment as the customer who pays sees it."""
    statement = _payments().where(PAYMENTS.c.id == payment_id)
    return _rendered(connection, statement, payer, action_period)[0][1]


def payments_of_order(
    connection: Connection,
    order_id: str,
    caller: Caller,
    action_period: timedelta,
    before_id: str | None,
    count: int,
) -> list[tuple[Row, Json]]:
    """An order's payments, newest first, as rows and as answers to one caller."""
    statement = _payments().where(PAYMENTS.c.order_id == order_id)
    if before_id is not None:
        statement = statement.where(PAYMENTS.c.id < before_id)
    newest = statement.order_by(PAYMENTS.c.id.desc()).limit(count)
    return _rendered(connection, newest, caller, action_period)


def payouts_of(account_id: str, before_id: str | None, count: int) -> Select[Any]:
    """A provider's payouts, newest first."""
    statement = select(PAYOUTS).where(PAYOUTS.c.provider_id == account_id)
    if before_id is not None:
        statement = statement.where(PAYOUTS.c.id < before_id)
    return statement.order_by(PAYOUTS.c.id.desc()).limit(count)


def balance_of(connection: Connection, account_id: str) -> Json:
    """A provider's balance in each currency they ever earned, and what of it can be paid out."""
    statement = select(BALANCES).where(BALANCES.c.provider_id == account_id).order_by(BALANCES.c.currency)
    rows = connection.execute(statement).mappings().all()
    balance = {
        kind: [money(row[f"{kind}_minor"], row["currency"]) for row in rows]
        for kind in ("available", "pending")
    }
    payable = payable_funds(connection, account_id)
    return {**balance, "payable": [money(amount, currency) for currency, amount in payable if amount > 0]}


def _is_party(caller: Caller) -> Any:
    return or_(DUES.c.customer_id == caller.id, DUES.c.provider_id == caller.id)


def _named(source: FromClause) -> FromClause:
    return source.outerjoin(_CUSTOMERS, _CUSTOMERS.c.account_id == DUES.c.customer_id).outerjoin(
        _PROVIDERS, _PROVIDERS.c.account_id == DUES.c.provider_id
    )


def _payments() -> Select[Any]:
    joined = _named(PAYMENTS.join(DUES, DUES.c.order_id == PAYMENTS.c.order_id))
    return select(*PAYMENTS.c, *(DUES.c[name] for name in _OF_ORDER), *_CURRENT_NAMES).select_from(joined)


def _rendered(
    connection: Connection, statement: Select[Any], caller: Caller, action_period: timedelta
) -> list[tuple[Row, Json]]:
    rows = connection.execute(statement).mappings().all()
    found = select(REFUNDS).where(REFUNDS.c.payment_id.in_([row["id"] for row in rows]))
    refunds = connection.execute(found.order_by(REFUNDS.c.id)).mappings().all() if rows else []
    of_payment: dict[str, list[Row]] = {row["id"]: [] for row in rows}
    for refund in refunds:
        of_payment[refund["payment_id"]].append(refund)
    return [(row, render_payment(row, of_payment[row["id"]], caller, action_period)) for row in rows]
