"""A large table becomes one that is partitioned by time while people go on ordering and writing."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg2
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from kit.settings import Settings
from kit.time_ordered_ids import first_id_at
from services.messaging import contract as messaging_contract
from services.orders.contract import LIST_TRANSITIONS, ORDER_STATUS_CHANGED
from tests.messaging.sample_events import Deal
from tests.orders.market import FakeCatalog, Market
from tests.support.bulk_loading import bulk_loading
from tests.support.codebase import ROOT
from tests.support.service_harness import Harness, make_service

SCRIPT = ROOT / "deploy/postgres/partition_by_time.sql"
MONTH = (datetime.now(UTC).replace(day=1) + timedelta(days=70)).replace(
    day=1, hour=0, minute=0, second=0, microsecond=0
)
WRITERS, ORDERS, LINES = 4, 250_000, 4
STORE_ORDERS = """
    INSERT INTO orders (id, customer_id, provider_id, service_id, service_title, price_minor, currency,
        delivery_days, revisions_allowed, requirements, status, payment_status, revisions_used, version,
        sequence, reminders_sent, completed_at, created_at, updated_at)
    SELECT CAST(lpad(to_hex(1700000000000 + n), 12, '0') || '70008000000000000000' AS uuid),
           gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'A title', 4500, 'EUR', 3, 1, 'text', 4,
           'paid', 0, 4, 4, 0, now(), now(), now()
    FROM generate_series(1, :orders) AS n
"""
STORE_HISTORY = """
    INSERT INTO order_history (order_id, sequence, transition, from_status, to_status, actor_id, actor_role,
        created_at)
    SELECT id, line, CASE line WHEN 1 THEN 'submit' ELSE 'approve' END, CASE WHEN line > 1 THEN 1 END, 1,
           customer_id, 'customer', now()
    FROM orders, generate_series(1, :lines) AS line
"""


@pytest.fixture
def market(servers: Settings) -> Iterator[Market]:
    """The orders service on a database of its own."""
    catalog = FakeCatalog()
    with make_service("orders", remote={"catalog": catalog}, statement_timeout_seconds=120.0) as harness:
        catalog.harness = harness
        yield Market(harness, catalog)


@pytest.fixture
def large_market(market: Market) -> Market:
    """The same with a million lines of history."""
    with market.harness.engine.begin() as connection, bulk_loading(connection, "orders", "order_history"):
        connection.execute(sa.text(STORE_ORDERS), {"orders": ORDERS})
        connection.execute(sa.text(STORE_HISTORY), {"lines": LINES})
    return market


@pytest.fixture
def messaging(servers: Settings) -> Iterator[Harness]:
    with make_service("messaging") as harness:
        yield harness


def convert(harness: Harness, table: str, key: str) -> None:
    """What an operator runs."""
    url = harness.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(SCRIPT.read_text())
        cursor.execute("CALL partition_by_time(%s, %s, %s)", (table, key, MONTH.date()))
        cursor.execute("CALL add_partition(%s, %s)", (table, (MONTH + timedelta(days=31)).date()))


def while_converting(harness: Harness, table: str, key: str, work: Callable[[], Any]) -> list[Any]:
    """Does the work again and again in some threads, before, during and after; returns its results."""
    converted, worked_after = threading.Event(), threading.Semaphore(0)

    def keep_working() -> list[Any]:
        done = [work()]
        while not converted.is_set():
            done.append(work())
        done.append(work())
        worked_after.release()
        return done

    with ThreadPoolExecutor(WRITERS) as pool:
        workers = [pool.submit(keep_working) for _ in range(WRITERS)]
        try:
            convert(harness, table, key)
        finally:
            converted.set()
        return [result for worker in workers for result in worker.result()]


def partitions(harness: Harness, table: str) -> dict[str, int]:
    """Rows by partition."""
    names = harness.execute(
        f"SELECT CAST(relid AS text) FROM pg_partition_tree('{table}') WHERE isleaf ORDER BY 1"
    )
    return {name: harness.execute(f'SELECT count(*) FROM "{name}"')[0][0] for (name,) in names}


def test_a_million_lines_of_history_are_partitioned_without_a_refused_request(large_market: Market) -> None:
    harness = large_market.harness

    def work() -> dict[str, Any]:
        own = Market(harness, large_market.catalog)
        order = own.order_at("completed")
        assert [line["sequence"] for line in own.history(order)] == [1, 2, 3, 4]
        return order

    orders = while_converting(harness, "order_history", "order_id", work)
    lines = partitions(harness, "order_history")
    assert lines[f"order_history_before_{MONTH:%Y_%m}"] == (ORDERS + len(orders)) * LINES
    assert len(lines) == 4 and sum(lines.values()) == (ORDERS + len(orders)) * LINES
    for order in orders[:: len(orders) // 10 + 1]:
        assert harness.execute(
            "SELECT count(*) FROM order_history WHERE order_id = CAST(:id AS uuid)", id=order["id"]
        ) == [(LINES,)]


def test_what_the_table_promised_it_promises_still(market: Market) -> None:
    harness = market.harness
    order = market.order_at("completed")
    before = constraints(harness)
    convert(harness, "order_history", "order_id")
    assert constraints(harness) == before
    for statement in (
        "UPDATE order_history SET note = 'x'",
        "INSERT INTO order_history SELECT * FROM order_history LIMIT 1",
        "INSERT INTO order_history VALUES (gen_random_uuid(), 1, 'submit', NULL, 1, NULL, 'system', NULL,"
        " NULL, now())",
    ):
        with pytest.raises(DBAPIError):
            harness.execute(statement)
    harness.call_as(market.customer, LIST_TRANSITIONS, order_id=order["id"])
    plan = harness.execute(
        f"EXPLAIN SELECT * FROM order_history WHERE order_id = '{order['id']}' ORDER BY sequence"
    )
    scanned = [line for (line,) in plan if "Scan" in line]
    assert (len(scanned) == 1 and f"before_{MONTH:%Y_%m}_" in scanned[0]) or "before" in scanned[0]


def constraints(harness: Harness) -> set[tuple[str, str]]:
    rows = harness.execute(
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE conrelid = CAST('order_history' AS regclass) AND contype <> 't'"
    )
    return {(name, definition) for name, definition in rows}


def test_an_order_of_the_new_month_goes_to_its_partition(market: Market) -> None:
    harness, order = market.harness, market.order_at("pending")
    convert(harness, "order_history", "order_id")
    for days in (3, 35, 300):
        later = first_id_at(MONTH + timedelta(days=days))
        harness.execute(
            "INSERT INTO orders SELECT (jsonb_populate_record(o, jsonb_build_object('id', CAST(:id AS text),"
            " 'number', o.number + :days + 100000000))).* FROM orders AS o WHERE id = CAST(:copied AS uuid)",
            id=later,
            copied=order["id"],
            days=days,
        )
        harness.execute(
            "INSERT INTO order_history VALUES (CAST(:id AS uuid), 1, 'submit', NULL, 1, NULL, 'system',"
            " NULL, NULL, now())",
            id=later,
        )
    lines = partitions(harness, "order_history")
    del lines[f"order_history_before_{MONTH:%Y_%m}"]
    assert lines == {
        f"order_history_{MONTH:%Y_%m}": 1,
        f"order_history_{MONTH + timedelta(days=31):%Y_%m}": 1,
        "order_history_default": 1,
    }


def test_messages_are_partitioned_while_people_write(messaging: Harness) -> None:
    def work() -> str:
        deal = Deal()
        messaging.deliver(ORDER_STATUS_CHANGED, **deal.transition("submit"))
        calls = messaging.call_as
        posted = calls(deal.customer, messaging_contract.POST_MESSAGE, order_id=deal.order_id, body="Hello")
        calls(
            deal.provider, messaging_contract.MARK_MESSAGES_READ, order_id=deal.order_id, up_to=posted["id"]
        )
        page = calls(deal.provider, messaging_contract.LIST_MESSAGES, order_id=deal.order_id)
        assert [message["id"] for message in page["data"]] == [posted["id"]]
        return deal.order_id

    orders = while_converting(messaging, "messages", "order_id", work)
    assert sum(partitions(messaging, "messages").values()) == len(orders)
    assert messaging.failed_events() == []
