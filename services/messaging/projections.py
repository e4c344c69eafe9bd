"""Projections of other services' data: the order of each thread, and display names."""

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import Connection, text

from chassis.runtime.context import Call
from chassis.storage.database import Db
from chassis.storage.idempotency import Effect, FirstStatement, run_with_first
from chassis.storage.projections import save_if_newer
from kit.errors import NotFound
from kit.validation import is_id
from services.accounts.types import AccountNamed
from services.messaging.models import ACCOUNT_NAMES
from services.orders.types import Order, OrderStatusChanged
from services.unknown_orders import run_with_order

Result = TypeVar("Result")
GetOrder: TypeAlias = Callable[..., Order]

# A name that comes with an order has version 0, so it never replaces one that accounts published.
THREAD_PARTS = """
    known AS (
        INSERT INTO people (account_id, display_name)
        SELECT * FROM (VALUES
            (CAST(:customer_id AS uuid), :customer_name), (CAST(:provider_id AS uuid), :provider_name)
        ) AS party (account_id, display_name)
        ORDER BY account_id
        ON CONFLICT DO NOTHING
    ), thread AS (
        INSERT INTO threads (order_id, order_number, order_status, order_version, sequence,
                             customer_id, provider_id, service_id, service_title, updated_at)
        VALUES (:order_id, :number, :status, :order_version, :sequence,
                :customer_id, :provider_id, :service_id, :service_title, clock_timestamp())
        ON CONFLICT (order_id) DO UPDATE
            SET order_status = excluded.order_status,
                order_version = excluded.order_version,
                sequence = excluded.sequence,
                updated_at = greatest(threads.updated_at, clock_timestamp())
            WHERE threads.sequence < excluded.sequence AND threads.order_version <= excluded.order_version
    )
"""
"""The parts of a statement that store an order's thread, unless a later state is known already."""
SAVE_THREAD = text(f"WITH {THREAD_PARTS} SELECT")


def read_thread(db: Db, get_order: GetOrder, order_id: str, query: Callable[[Connection], Result]) -> Result:
    """Returns the result of `query`; asks orders first if no event of the order has arrived here yet.

    Raises: what `query` raises; NotFound for a malformed id and for an order that orders does not
    show the caller.
    """
    return _with_thread(db, get_order, order_id, lambda: db.read(query))


def change_thread(
    db: Db, call: Call, get_order: GetOrder, order_id: str, first: FirstStatement, effect: Effect[Result]
) -> Result:
    """Runs a command once per idempotency key; asks orders first as `read_thread` does.

    Raises: what `effect`, `run_with_first` and `read_thread` raise.
    """
    return _with_thread(db, get_order, order_id, lambda: run_with_first(db, call, first, effect))


def _with_thread(db: Db, get_order: GetOrder, order_id: str, work: Callable[[], Result]) -> Result:
    if not is_id(order_id):
        raise NotFound("There is no such order.")

    def work_with(order: Order | None) -> Result:
        if order is not None:
            db.write(lambda connection: save_thread_of_order(connection, order))
        return work()

    return run_with_order(get_order, order_id, work_with)


def thread_of_event(event: OrderStatusChanged) -> dict[str, Any]:
    """Returns the parameters of `THREAD_PARTS` for an `order_status_changed`."""
    return _thread(event, event["order_id"], event["to_status"], event["order_version"], event["sequence"])


def save_thread_of_order(connection: Connection, order: Order) -> None:
    """Stores the thread of an order that orders returned, before its events arrive.

    Its `sequence` is unknown and stored as 0: a thread that is there already is left alone,
    and a later event applies unless it is older than this answer's version.
    """
    thread = _thread(order, order["id"], order["status"], order["version"], sequence=0)
    connection.execute(SAVE_THREAD, thread)


def _thread(
    order: Order | OrderStatusChanged,
    order_id: str,
    status: int,
    order_version: int,
    sequence: int,
) -> dict[str, Any]:
    return {
        "order_id": order_id,
        "number": order["number"],
        "status": status,
        "order_version": order_version,
        "sequence": sequence,
        "customer_id": order["customer"]["id"],
        "customer_name": order["customer"]["display_name"],
        "provider_id": order["provider"]["id"],
        "provider_name": order["provider"]["display_name"],
        "service_id": order["service"]["id"],
        "service_title": order["service"]["title"],
    }


def save_display_name(connection: Connection, event: AccountNamed) -> None:
    """Stores the display name of an account event, unless a newer one is known."""
    name = {
        "account_id": event["account_id"],
        "display_name": event["display_name"],
        "account_version": event["account_version"],
    }
    save_if_newer(connection, ACCOUNT_NAMES, name, key=("account_id",), version="account_version")
