"""Submitting an order: the offer is what catalog published, the rules decide, the order is recorded."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

import uuid6
from sqlalchemy import Connection, Select, Uuid, bindparam, func, select, true
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.dml import ReturningInsert

from chassis.runtime.context import Call
from chassis.storage.database import Db
from chassis.storage.idempotency import find_stored_answer, run_idempotently
from kit.errors import NotFound, TimedOut, Unavailable
from kit.security.tokens import Caller
from kit.types import Money
from services.catalog.contract import GET_OFFER
from services.catalog.types import Offer
from services.orders.commands.record_step import actor_of, record_history
from services.orders.contract import Status
from services.orders.lifecycle import CUSTOMER, Step
from services.orders.models import ORDERS
from services.orders.projections import find_offer, insert_unknown_names, save_offer, stored_name
from services.orders.rendering import OrderRow, number_of, render_order
from services.orders.settings import OrderPeriods
from services.orders.submission import (
    SUBMITTED,
    UNPAID,
    OutstandingOrders,
    check_offer,
    check_outstanding_orders,
    may_be_outdated,
    state_at_submission,
)
from services.orders.types import Order

_CUSTOMER = bindparam("customer_id", type_=Uuid(as_uuid=False))
_PROVIDER = bindparam("provider_id", type_=Uuid(as_uuid=False))

LOCK_CUSTOMER = select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("customer"), 0)))
_pending = (
    select(
        func.count().label("pending"),
        func.count().filter(ORDERS.c.provider_id == _PROVIDER).label("pending_at_provider"),
    )
    .where(ORDERS.c.customer_id == _CUSTOMER, ORDERS.c.status == Status.PENDING)
    .subquery("pending")
)
_overdue = (
    select(ORDERS.c.id.label("overdue_id"), ORDERS.c.number.label("overdue_number"))
    .where(ORDERS.c.customer_id == _CUSTOMER, ORDERS.c.payment_status.in_(UNPAID))
    .where(ORDERS.c.payment_due_at < func.now())
    .order_by(ORDERS.c.payment_due_at)
    .limit(1)
    .subquery("overdue")
)
OUTSTANDING_ORDERS: Select[Any] = select(_pending, _overdue).select_from(_pending.outerjoin(_overdue, true()))
"""One row for a customer (`customer_id`) who orders from a provider (`provider_id`)."""

# The smaller id always comes first, so that two people who order from each other cannot deadlock.
INSERT_ORDER: ReturningInsert[Any] = (
    insert(ORDERS)
    .add_cte(insert_unknown_names("first", "second").cte("named"))
    .returning(
        ORDERS.c.number,
        stored_name("first").label("first_stored"),
        stored_name("second").label("second_stored"),
    )
)
"""A new order, given by its columns. The parties' names (`first_id`, `first_name`, `second_id`,
`second_name`) are stored if none are known yet; those known before are returned, null for none."""


def submit_order(
    db: Db,
    call: Call,
    catalog: Callable[..., Offer],
    periods: OrderPeriods,
    service_id: str,
    requirements: str,
    expected_price: Money | None,
) -> Order:
    """Orders a service for the caller, as it is offered; see `current_offer`.

    Raises: Conflict, see `check_offer` and `check_outstanding_orders`; Unavailable or TimedOut when the
    offer is not known here and catalog does not answer.
    """
    stored = cast(Order | None, find_stored_answer(db, call))
    if stored is not None:
        return stored
    caller = call.account
    offer = current_offer(db, catalog, service_id, caller.id, expected_price)

    def effect(connection: Connection) -> Order:
        # Checked after the key is claimed: a concurrent duplicate gets the answer of the first.
        accepted = check_offer(offer, caller.id, expected_price)
        outstanding = _lock_outstanding_orders(connection, caller.id, accepted["provider"]["id"])
        check_outstanding_orders(outstanding, periods)
        return render_order(insert_order(connection, caller, accepted, requirements), caller)

    order: Order = run_idempotently(db, call, effect)
    return order


def current_offer(
    db: Db, catalog: Callable[..., Offer], service_id: str, customer_id: str, expected_price: Money | None
) -> Offer | None:
    """Returns the stored offer; None for a service that nobody may order.

    Catalog is asked, and its answer stored, only when no offer is stored or the stored one would be
    refused: a change of it may be on its way. While catalog does not answer, the stored one counts.

    Raises: Unavailable or TimedOut when nothing is stored and catalog does not answer.
    """
    stored = db.read(lambda connection: find_offer(connection, service_id))
    if stored is not None and not may_be_outdated(stored, customer_id, expected_price):
        return stored
    try:
        offer = catalog(GET_OFFER, service_id=service_id)
    except NotFound:
        return None
    except (TimedOut, Unavailable):
        if stored is None:
            raise
        return stored
    db.write(lambda connection: save_offer(connection, offer))
    return offer


def insert_order(connection: Connection, customer: Caller, offer: Offer, requirements: str) -> OrderRow:
    """Inserts an order at status 1 with its history and event; returns its row. Two statements."""
    now = datetime.now(UTC)
    state = replace(state_at_submission(offer, customer.id), updated_at=now)
    order = {
        **vars(state),
        "id": str(uuid6.uuid7()),
        "service_id": offer["service_id"],
        "service_title": offer["title"],
        "price_minor": offer["price"]["amount"],
        "currency": offer["price"]["currency"],
        "requirements": requirements,
        "created_at": now,
    }
    names = {customer.id: customer.display_name, offer["provider"]["id"]: offer["provider"]["display_name"]}
    row = {**order, **_insert(connection, order, names)}
    step = Step("submit", CUSTOMER, None, SUBMITTED)
    record_history(connection, row, state, step, actor_of(customer))
    return row


def _lock_outstanding_orders(connection: Connection, customer_id: str, provider_id: str) -> OutstandingOrders:
    """Reads what is outstanding; no other submission of the customer changes it until the commit."""
    connection.execute(LOCK_CUSTOMER, {"customer": customer_id})
    parameters = {"customer_id": customer_id, "provider_id": provider_id}
    row = connection.execute(OUTSTANDING_ORDERS, parameters).one()
    overdue_number = None if row.overdue_id is None else number_of({"number": row.overdue_number})
    return OutstandingOrders(row.pending, row.pending_at_provider, row.overdue_id, overdue_number)


def _insert(connection: Connection, order: OrderRow, names: dict[str, str]) -> dict[str, Any]:
    (first, first_name), (second, second_name) = sorted(names.items())
    people = {"first_id": first, "first_name": first_name, "second_id": second, "second_name": second_name}
    inserted = connection.execute(INSERT_ORDER, {**order, **people}).one()
    shown = {first: inserted.first_stored or first_name, second: inserted.second_stored or second_name}
    return {
        "number": inserted.number,
        "customer_name": shown[order["customer_id"]],
        "provider_name": shown[order["provider_id"]],
    }
