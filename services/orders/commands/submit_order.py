"""Submitting an order: the offer is what catalog published, the rules decide, the order is recorded."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, cast

import uuid6
from sqlalchemy import Connection, Row, RowMapping, text
from sqlalchemy.dialects.postgresql import insert

from chassis.runtime.context import Call
from chassis.storage.database import Db
from chassis.storage.idempotency import IS_CLAIMED, FirstStatement, run_with_first
from kit.errors import NotFound, TimedOut, Unavailable
from kit.security.tokens import Caller
from kit.types import Money
from services.catalog.contract import GET_OFFER
from services.catalog.types import Offer
from services.orders.commands.record_step import actor_of, bound, record, recording
from services.orders.lifecycle import CUSTOMER, Step
from services.orders.models import ORDERS
from services.orders.projections import insert_unknown_names, offer_of, save_offer
from services.orders.rendering import STATE_FIELDS, OrderRow, number_of, render_order
from services.orders.settings import OrderPeriods
from services.orders.submission import (
    SUBMITTED,
    OutstandingOrders,
    check_offer,
    check_outstanding_orders,
    counted,
    may_be_outdated,
    state_at_submission,
)
from services.orders.types import Order

# Counting stops at the quotas, so its cost does not grow with what is pending.
READ_SUBMISSION = text(f"""
    SELECT nextval('order_numbers') AS number, CAST(wanted.service_id AS text) AS service_id,
           service_version, title, price_minor, currency, delivery_days, revisions, status,
           CAST(offers.provider_id AS text) AS provider_id,
           customer.display_name AS customer_name, provider.display_name AS provider_name,
           CAST(overdue.id AS text) AS overdue_id, overdue.number AS overdue_number,
           (SELECT count(*) FROM (
                SELECT FROM orders WHERE customer_id = wanted.customer_id AND status = 1
                LIMIT :pending_orders) AS counted) AS pending,
           (SELECT count(*) FROM (
                SELECT FROM orders WHERE customer_id = wanted.customer_id AND status = 1
                AND provider_id = provider.account_id
                LIMIT :pending_orders_per_provider) AS counted) AS pending_at_provider
    FROM (VALUES (CAST(:customer_id AS uuid), CAST(:service_id AS uuid), CAST(:provider_id AS uuid)))
        AS wanted (customer_id, service_id, provider_id)
    LEFT JOIN offers ON offers.service_id = wanted.service_id
    LEFT JOIN account_names AS customer ON customer.account_id = wanted.customer_id
    LEFT JOIN account_names AS provider
        ON provider.account_id = coalesce(wanted.provider_id, offers.provider_id)
    LEFT JOIN LATERAL (
        SELECT id, orders.number FROM orders
        WHERE orders.customer_id = wanted.customer_id
        AND payment_status IN ('due', 'processing', 'failed') AND payment_due_at < now()
        ORDER BY payment_due_at
        LIMIT 1) AS overdue ON true
    WHERE {IS_CLAIMED}
""")  # noqa: S608
"""One row of what a submission depends on: the number for it, the offer, the names that are known, and
what is outstanding. `provider_id` is null unless the offer is not the stored one."""

_COLUMNS = (
    *("id", "number", "service_id", "service_title", "price_minor", "currency", "requirements"),
    *("created_at", *STATE_FIELDS),
)
_INSERT_ORDER = insert(ORDERS).values(bound((ORDERS.c[name] for name in _COLUMNS), "order"))
_SUBMIT = recording(_INSERT_ORDER)
# The smaller id always comes first, so that two people who order from each other cannot deadlock.
_SUBMIT_WITH_NAMES = recording(insert_unknown_names("first", "second"), _INSERT_ORDER)


@dataclass(frozen=True)
class Submission:
    """What somebody wants to order."""

    service_id: str
    requirements: str
    expected_price: Money | None


class _OfferInDoubt(Exception):
    """The stored offer, if there is one, does not suffice to refuse."""

    def __init__(self, stored: Offer | None) -> None:
        self.stored = stored


def submit_order(
    db: Db, call: Call, catalog: Callable[..., Offer], periods: OrderPeriods, wanted: Submission
) -> Order:
    """Orders a service for the caller, as the stored offer says.

    Catalog is asked, and its answer stored, only when no offer is stored or the stored one would be
    refused: a change of it may be on its way. While catalog does not answer, the stored one counts.

    Raises: Conflict, see `check_offer` and `check_outstanding_orders`; Unavailable or TimedOut when
    nothing is stored and catalog does not answer.
    """
    try:
        return _submit(db, call, periods, wanted, _stored_offer(wanted, call.account.id))
    except _OfferInDoubt as doubt:
        offer = _ask_catalog(db, catalog, wanted.service_id, doubt.stored)
    provider_id = None if offer is None else offer["provider"]["id"]
    return _submit(db, call, periods, wanted, lambda row: offer, provider_id)


def _stored_offer(wanted: Submission, customer_id: str) -> Callable[[RowMapping], Offer]:
    def choose(row: RowMapping) -> Offer:
        stored = offer_of(row)
        if stored is None or may_be_outdated(stored, customer_id, wanted.expected_price):
            raise _OfferInDoubt(stored)
        return stored

    return choose


def _ask_catalog(
    db: Db, catalog: Callable[..., Offer], service_id: str, stored: Offer | None
) -> Offer | None:
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


def _submit(
    db: Db,
    call: Call,
    periods: OrderPeriods,
    wanted: Submission,
    choose_offer: Callable[[RowMapping], Offer | None],
    provider_id: str | None = None,
) -> Order:
    caller = call.account
    first = FirstStatement(
        READ_SUBMISSION,
        {
            "customer_id": caller.id,
            "service_id": wanted.service_id,
            "provider_id": provider_id,
            "pending_orders": counted(periods.pending_orders),
            "pending_orders_per_provider": counted(periods.pending_orders_per_provider),
        },
        lock=caller.id,  # nothing else changes how many orders of the customer are pending
    )

    def effect(connection: Connection, found: Row[Any] | None) -> Order:
        row = cast(Row[Any], found)._mapping  # the statement always finds one
        offer = check_offer(choose_offer(row), caller.id, wanted.expected_price)
        check_outstanding_orders(_outstanding(row), periods)
        names = {caller.id: row["customer_name"], offer["provider"]["id"]: row["provider_name"]}
        order = insert_order(connection, caller, offer, wanted.requirements, row["number"], names)
        return render_order(order, caller)

    return run_with_first(db, call, first, effect)


def _outstanding(row: RowMapping) -> OutstandingOrders:
    overdue_number = None if row["overdue_id"] is None else number_of({"number": row["overdue_number"]})
    return OutstandingOrders(row["pending"], row["pending_at_provider"], row["overdue_id"], overdue_number)


def insert_order(
    connection: Connection,
    customer: Caller,
    offer: Offer,
    requirements: str,
    number: int,
    names: Mapping[str, str | None],
) -> OrderRow:
    """Inserts an order at status 1 with its history and event; returns its row. One statement.

    `names` are the names stored for the parties' ids; those that are missing are stored.
    """
    now = datetime.now(UTC)
    state = replace(state_at_submission(offer, customer.id), updated_at=now)
    order = {
        **vars(state),
        "id": str(uuid6.uuid7()),
        "number": number,
        "service_id": offer["service_id"],
        "service_title": offer["title"],
        "price_minor": offer["price"]["amount"],
        "currency": offer["price"]["currency"],
        "requirements": requirements,
        "created_at": now,
    }
    statement, changes = _SUBMIT, {f"order_{name}": order[name] for name in _COLUMNS}
    shown = {customer.id: customer.display_name, offer["provider"]["id"]: offer["provider"]["display_name"]}
    if not all(map(names.get, shown)):
        statement, changes = _SUBMIT_WITH_NAMES, changes | _people(shown)
    shown |= {account_id: name for account_id, name in names.items() if name is not None}
    row = {**order, **{f"{role}_name": shown[order[f"{role}_id"]] for role in ("customer", "provider")}}
    step = Step("submit", CUSTOMER, None, SUBMITTED)
    record(connection, statement, changes, row, state, step, actor_of(customer))
    return row


def _people(names: Mapping[str, str]) -> dict[str, str]:
    (first, first_name), (second, second_name) = sorted(names.items())
    return {"first_id": first, "first_name": first_name, "second_id": second, "second_name": second_name}
