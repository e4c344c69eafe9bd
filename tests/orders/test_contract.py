"""The public face: the table of statuses, and what may come in."""

from pathlib import Path

from kit.contracts import EVERY, events_of, rpcs_of
from services.orders import contract
from services.orders.service import OrdersService


def test_the_table_of_statuses_is_the_public_one() -> None:
    assert [(row["code"], row["name"], row["label"]) for row in contract.STATUSES] == [
        (1, "pending", "Pending"),
        (2, "approved", "Order Placed"),
        (3, "work_completed", "Work Completed"),
        (4, "completed", "Order Completed"),
        (7, "cancelled", "Cancelled"),
    ]
    assert all(row["meaning"] for row in contract.STATUSES)


def test_every_method_of_the_contract_is_there_and_every_mutation_says_so() -> None:
    methods = {rpc.method: rpc for rpc in rpcs_of(contract)}
    assert all(callable(getattr(OrdersService, method)) for method in methods)
    assert {name for name, rpc in methods.items() if rpc.mutates} == {"submit_order", "transition_order"}
    assert {name for name, rpc in methods.items() if rpc.paged} == {"list_orders", "list_transitions"}


def test_the_events_reach_their_consumers() -> None:
    consumers = {event.type: (event.consumers, event.live) for event in events_of(contract)}
    assert consumers == {
        "order_status_changed": (
            {"messaging": EVERY, "reviews": (4,), "accounts": (4,), "payments": (4,)},
            True,
        ),
        "order_reminder_due": (("messaging",), False),
    }


def test_a_status_filter_reads_a_query_string_and_its_own_result() -> None:
    query = contract.ListOrdersQuery()
    loaded = query.load({"role": "customer", "status": "2,1,2", "limit": "5"})
    assert (loaded["status"], loaded["limit"], loaded["sort"]) == ([1, 2], 5, "-updated_at")
    assert query.load(loaded) == loaded


def test_the_rules_stand_on_nothing_but_themselves() -> None:
    for module in ("lifecycle.py", "submission.py", "settings.py", "contract.py"):
        text = (Path(contract.__file__).parent / module).read_text()
        for outside in ("nameko", "eventlet", "sqlalchemy", "import time\n", "datetime.now"):
            assert outside not in text, (module, outside)
