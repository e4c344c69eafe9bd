"""The exact counts of performance.md: statements per call, and rows touched per page."""

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from kit.contracts import Rpc
from kit.security.tokens import Caller
from kit.settings import Settings
from services.accounts.contract import ACCOUNT_UPDATED
from services.messaging import contract
from services.orders.contract import ORDER_STATUS_CHANGED
from services.reviews.contract import REVIEW_SUBMITTED
from tests.messaging.actions import mark_read, move, notifications, post
from tests.messaging.sample_events import Deal, person
from tests.support.service_harness import Harness, make_service

LIMIT = 20


def test_every_read_is_one_statement(messaging: Harness, deal: Deal) -> None:
    for number in range(3):
        post(messaging, deal.customer, deal, str(number))
    reads: list[tuple[Rpc, dict[str, Any]]] = [
        (contract.LIST_MESSAGES, {"order_id": deal.order_id}),
        (contract.LIST_MESSAGES, {"order_id": deal.order_id, "limit": 1}),
        (contract.LIST_THREADS, {}),
        (contract.LIST_NOTIFICATIONS, {}),
        (contract.LIST_NOTIFICATIONS, {"unread": True, "limit": 1}),
        (contract.COUNT_UNREAD, {}),
        (contract.GET_PREFERENCES, {}),
    ]
    for method, arguments in reads:
        messaging.call_as(deal.provider, method, **arguments)
        assert len(messaging.statements) == 1, method


def test_an_empty_thread_is_one_statement_too(messaging: Harness, deal: Deal) -> None:
    messaging.call_as(deal.provider, contract.LIST_MESSAGES, order_id=deal.order_id)
    assert len(messaging.statements) == 1


def test_posting_a_message_is_two_statements(messaging: Harness, deal: Deal) -> None:
    post(messaging, deal.customer, deal)
    verbs = [statement.split()[0:3] for statement in messaging.statements]
    assert verbs == [["WITH", "thread", "AS"], ["WITH", "stored", "AS"]]


def test_marks_and_choices_are_few_statements(messaging: Harness, deal: Deal) -> None:
    posted = post(messaging, deal.customer, deal)
    mark_read(messaging, deal.provider, deal, posted["id"])
    assert len(messaging.statements) == 2
    newest = notifications(messaging, deal.provider)[0]["id"]
    changes: list[tuple[Rpc, dict[str, Any]]] = [
        (contract.MARK_NOTIFICATION, {"notification_id": newest, "read": True}),
        (contract.MARK_ALL_READ, {}),
        (contract.MARK_ALL_READ, {"order_id": deal.order_id}),
        (contract.CHANGE_PREFERENCES, {"messages": {"email": False}}),
    ]
    for method, arguments in changes:
        messaging.call_as(deal.provider, method, **arguments)
        assert len(messaging.statements) == 2, method


def test_an_event_is_one_short_transaction(messaging: Harness, deal: Deal) -> None:
    event = move(messaging, deal, "cancel", "staff")
    assert len(messaging.statements) == 2, "the inbox; thread, both notifications and both announcements"
    messaging.deliver(ORDER_STATUS_CHANGED, event)
    assert len(messaging.statements) == 1, "the inbox knows it"
    messaging.deliver(REVIEW_SUBMITTED, **deal.review())
    assert len(messaging.statements) == 2
    messaging.deliver(ACCOUNT_UPDATED, account_id=deal.customer.id, display_name="New", account_version=2)
    assert len(messaging.statements) == 2


# One person with 20,000 threads among 60,000, a thread with 30,000 messages and many with 300, and
# as many notifications, half of them read.
CROWD = """
    INSERT INTO people (account_id, display_name)
        SELECT gen_random_uuid(), 'Person ' || n FROM generate_series(1, 30000) AS n;
    INSERT INTO people VALUES ('{busy}', 'Busy', 1);
    INSERT INTO threads (order_id, order_number, order_status, order_version, sequence, customer_id,
                         provider_id, service_id, service_title, updated_at)
        SELECT gen_random_uuid(), 'MT-' || n, 1, 1, 1,
               CASE WHEN n % 6 = 0 THEN '{busy}' ELSE one.account_id END,
               CASE WHEN n % 6 = 1 THEN '{busy}' ELSE other.account_id END,
               gen_random_uuid(), 'Service ' || n, now() - n * interval '1 second'
        FROM generate_series(1, 60000) AS n
        JOIN (SELECT account_id, row_number() OVER () AS r FROM people WHERE account_id <> '{busy}') AS one
             ON one.r = 1 + n % 15000
        JOIN (SELECT account_id, row_number() OVER () AS r FROM people WHERE account_id <> '{busy}') AS other
             ON other.r = 15001 + n % 15000;
    UPDATE threads SET message_count = 30000, provider_unread = 30000
        WHERE order_id = (SELECT order_id FROM threads WHERE customer_id = '{busy}' LIMIT 1);
    INSERT INTO messages (id, order_id, position, author_id, body)
        SELECT gen_random_uuid(), order_id, n, customer_id, 'Message ' || n
        FROM threads CROSS JOIN generate_series(1, 30000) AS n WHERE message_count = 30000;
    INSERT INTO messages (id, order_id, position, author_id, body)
        SELECT gen_random_uuid(), order_id, n, customer_id, 'Message ' || n
        FROM (SELECT * FROM threads WHERE message_count = 0 AND customer_id = '{busy}' LIMIT 100) AS few
        CROSS JOIN generate_series(1, 300) AS n;
    UPDATE threads SET message_count = 300
        WHERE order_id IN (SELECT order_id FROM messages WHERE position = 300) AND message_count = 0;
    UPDATE threads SET message_count = 1, provider_unread = 1 WHERE message_count = 0;
    INSERT INTO messages (id, order_id, position, author_id, body)
        SELECT gen_random_uuid(), order_id, 1, customer_id, 'Hello' FROM threads WHERE message_count = 1;
    INSERT INTO notifications (id, cause_id, recipient_id, type, actor_name, data, created_at, read_at)
        SELECT gen_random_uuid(), gen_random_uuid(),
               CASE WHEN n % 2 = 0 THEN '{busy}' ELSE gen_random_uuid() END, 'message_posted', 'Somebody',
               '{{}}', now() - n * interval '1 second', CASE WHEN n % 4 = 0 THEN now() END
        FROM generate_series(1, 60000) AS n;
"""


@pytest.fixture(scope="module")
def crowd(servers: Settings) -> Iterator[tuple[Harness, Caller]]:
    """A database of its own, and someone in it with very much of everything."""
    busy = person("Busy")
    with make_service("messaging", statement_timeout_seconds=60.0) as harness:
        with harness.engine.begin() as connection:
            connection.execute(sa.text(CROWD.format(busy=busy.id)))
        with harness.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")
        yield harness, busy


def plan_of(harness: Harness, caller: Caller, method: Rpc, **arguments: Any) -> list[dict[str, Any]]:
    """The nodes of the plan of a method's one statement, as it really ran."""
    ran: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        ran.append((statement, parameters))

    sa.event.listen(harness.engine, "before_cursor_execute", note)
    try:
        harness.call_as(caller, method, **arguments)
    finally:
        sa.event.remove(harness.engine, "before_cursor_execute", note)
    ((statement, parameters),) = ran
    with harness.engine.connect() as connection:
        explain = f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}"
        explained = connection.exec_driver_sql(explain, parameters).scalar_one()
    return list(nodes_of(explained[0]["Plan"]))


def nodes_of(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", []):
        yield from nodes_of(part)


def a_page_deep_inside(harness: Harness, caller: Caller, method: Rpc, **arguments: Any) -> str:
    cursor = None
    for _ in range(60):
        page = harness.call_as(caller, method, limit=100, cursor=cursor, **arguments)
        cursor = page["next_cursor"]
    assert cursor is not None
    return str(cursor)


LISTS: list[tuple[Rpc, dict[str, Any]]] = [
    (contract.LIST_THREADS, {}),
    (contract.LIST_NOTIFICATIONS, {}),
    (contract.LIST_NOTIFICATIONS, {"unread": True}),
    (contract.LIST_NOTIFICATIONS, {"unread": False}),
]


def touches_little(nodes: list[dict[str, Any]]) -> None:
    assert "Seq Scan" not in {node["Node Type"] for node in nodes}
    for node in nodes:
        assert node["Actual Rows"] * node["Actual Loops"] <= 2 * (LIMIT + 1), node
        assert node.get("Rows Removed by Filter", 0) <= 1, node


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize(("method", "arguments"), LISTS)
def test_a_page_touches_only_its_own_rows(
    crowd: tuple[Harness, Caller], method: Rpc, arguments: dict[str, Any], deep: bool
) -> None:
    messaging, busy = crowd
    cursor = a_page_deep_inside(messaging, busy, method, **arguments) if deep else None
    touches_little(plan_of(messaging, busy, method, limit=LIMIT, cursor=cursor, **arguments))


@pytest.mark.parametrize("length", [1, 300, 30000])
@pytest.mark.parametrize("pages_before", [0, 2])
def test_a_page_of_messages_costs_the_same_in_any_thread(
    crowd: tuple[Harness, Caller], length: int, pages_before: int
) -> None:
    messaging, busy = crowd
    found = messaging.execute(
        "SELECT order_id FROM threads WHERE message_count = :length AND customer_id = :busy LIMIT 1",
        length=length,
        busy=busy.id,
    )
    arguments: dict[str, Any] = {"order_id": str(found[0][0]), "limit": LIMIT, "cursor": None}
    for _ in range(pages_before):
        page = messaging.call_as(busy, contract.LIST_MESSAGES, **arguments)
        arguments["cursor"] = page["next_cursor"]
    touches_little(plan_of(messaging, busy, contract.LIST_MESSAGES, **arguments))
