"""Plans on 1,000,000 orders: every read and timer finds its rows by an index, none sorts."""

import itertools
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Select, TextClause, text

from kit.settings import Settings
from services.orders import queries
from services.orders.commands import run_timers
from services.orders.commands.submit_order import READ_SUBMISSION
from services.orders.contract import SORTS
from tests.support.bulk_loading import bulk_loading
from tests.support.service_harness import Harness, make_service

ORDERS = 1_000_000
pytestmark = pytest.mark.xdist_group("a million orders")  # filled once, not once per process
NOW = datetime.now(UTC)
FIRST = str(uuid.UUID(int=0))

# Accounts 1 and 2 are the busiest: a quarter of all orders each, as customer and as provider.
FILL = [
    "CREATE FUNCTION nth(n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS"
    " $$ SELECT lpad(to_hex(n), 32, '0')::uuid $$",
    "INSERT INTO account_names SELECT nth(n), 'Person ' || n, 1 FROM generate_series(1, 50000) n",
    """
    INSERT INTO orders (id, customer_id, provider_id, service_id, service_title, price_minor, currency,
        delivery_days, revisions_allowed, requirements, status, payment_status, revisions_used, version,
        sequence, confirm_by, next_reminder_at, reminders_sent, completed_at, created_at, updated_at)
    SELECT nth(1000000 + n),
        nth(CASE WHEN n % 4 = 0 THEN 1 ELSE 3 + n % 2000 END),
        nth(CASE WHEN n % 4 = 1 THEN 2 ELSE 2500 + n % 2000 END),
        nth(n % 9000), 'A title', 4500, 'EUR', 3, 1, repeat('text ', 20), s,
        CASE WHEN s = 4 THEN 'due' ELSE 'not_due' END, 0, 1, 1,
        CASE WHEN s = 3 THEN moment + interval '14 days' END,
        CASE WHEN s = 3 THEN moment + interval '5 days' END, 0,
        CASE WHEN s = 4 THEN moment END, moment, moment
    FROM (
        SELECT n, now() - (n % 300000) * interval '37 seconds' AS moment,
            (CASE WHEN n % 50 = 0 THEN 1 WHEN n % 50 < 4 THEN 2 WHEN n % 50 < 6 THEN 3
                  WHEN n % 50 < 40 THEN 4 ELSE 7 END) AS s
        FROM generate_series(1, :orders) n
    ) made
    """,
    "INSERT INTO order_history (order_id, sequence, transition, to_status, actor_id, actor_role, created_at)"
    " SELECT id, 1, 'submit', 1, customer_id, 'customer', created_at FROM orders",
]


@pytest.fixture(scope="module")
def crowded(servers: Settings) -> Iterator[Harness]:
    """The orders service with many orders in its database."""
    with make_service("orders", statement_timeout_seconds=300.0) as harness:
        with harness.engine.begin() as connection, bulk_loading(connection, "orders", "order_history"):
            for statement in FILL:
                parameters = {"orders": ORDERS} if ":orders" in statement else {}
                connection.execute(text(statement), parameters)
        harness.execute("ANALYZE")
        yield harness


def nth(number: int) -> str:
    return str(uuid.UUID(int=number))


def plan_of(harness: Harness, statement: Select[Any] | TextClause, **parameters: Any) -> list[dict[str, Any]]:
    """The nodes of the plan that PostgreSQL chose, after running it."""
    compiled = statement.compile(dialect=harness.engine.dialect).construct_expanded_state(parameters)
    with harness.engine.connect() as connection:
        explained = connection.exec_driver_sql(
            f"EXPLAIN (ANALYZE, FORMAT JSON) {compiled.statement}", compiled.parameters
        ).scalar_one()
    return list(_nodes(explained[0]["Plan"]))


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from _nodes(child)


def rows_read(nodes: list[dict[str, Any]]) -> int:
    """How many orders the plan looked at."""
    scans = [node for node in nodes if node.get("Relation Name") == "orders"]
    return sum(scan["Actual Rows"] * scan["Actual Loops"] for scan in scans)


def assert_by_index(nodes: list[dict[str, Any]], index: str | None = None) -> None:
    kinds = {node["Node Type"] for node in nodes}
    assert not kinds & {"Seq Scan", "Sort", "Incremental Sort", "Bitmap Heap Scan", "Hash Join"}, kinds
    if index is not None:
        assert index in {node.get("Index Name") for node in nodes}


FILTERS = ((1, 2, 3, 4, 7), (4,), (3,), (1, 2), (1, 7))
LISTS = list(itertools.product(("customer", "provider"), SORTS, FILTERS, (False, True), (1, 2, 77)))


@pytest.mark.parametrize(("role", "sort", "statuses", "continued", "account"), LISTS)
def test_a_list_walks_its_index(
    crowded: Harness, role: str, sort: str, statuses: tuple[int, ...], continued: bool, account: int
) -> None:
    position = {"after_time": NOW - timedelta(days=20), "after_id": FIRST} if continued else {}
    nodes = plan_of(
        crowded,
        queries.orders_statement(role, sort, len(statuses), continued),
        caller_id=nth(account),
        count=21,
        **{f"status_{n}": status for n, status in enumerate(statuses)},
        **position,
    )
    by = {"-updated_at": "update", "-created_at": "creation"}[sort]
    assert_by_index(nodes, f"orders_of_{role}_by_{by}")
    assert rows_read(nodes) <= 21 * len(statuses)


def test_an_order_and_its_history_are_found_by_their_keys(crowded: Harness) -> None:
    access = {"order_id": nth(1_000_004), "caller_id": nth(1), "is_staff": False}
    assert_by_index(plan_of(crowded, queries.GET_ORDER, **access), "orders_pkey")
    nodes = plan_of(crowded, queries.LIST_TRANSITIONS, **access, after_sequence=0, count=21)
    assert {node["Node Type"] for node in nodes} & {"Seq Scan", "Hash Join"} == set()
    assert "order_history_pkey" in {node.get("Index Name") for node in nodes}


@pytest.mark.parametrize(
    ("due", "index"),
    [
        (run_timers.EXPIRY.due, "orders_to_expire"),
        (run_timers.CONFIRMATION.due, "orders_to_confirm"),
        (run_timers.REMINDERS.due, "orders_to_remind"),
    ],
)
def test_a_timer_reads_only_what_is_due(crowded: Harness, due: Select[Any], index: str) -> None:
    start = {"after_time": datetime(1, 1, 1, tzinfo=UTC), "after_id": FIRST}
    for until in (NOW - timedelta(days=84), NOW - timedelta(days=3), NOW):
        nodes = plan_of(crowded, due, until=until, now=NOW, count=50, **start)
        assert_by_index(nodes, index)


@pytest.mark.parametrize("quotas", [(100, 20), (3, 1), (0, 0)])
def test_a_submission_counts_no_further_than_its_quotas(crowded: Harness, quotas: tuple[int, int]) -> None:
    nodes = plan_of(
        crowded,
        READ_SUBMISSION,
        customer_id=nth(1),
        provider_id=nth(2500),
        service_id=FIRST,
        pending_orders=quotas[0],
        pending_orders_per_provider=quotas[1],
        claim_scope=None,
        claim_key=None,
    )
    assert_by_index([node for node in nodes if node.get("Relation Name") != "offers"], "orders_pending")
    assert rows_read(nodes) <= sum(quotas) + 1
