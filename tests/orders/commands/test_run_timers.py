"""The clocks: expiry, reminders and confirmation, each once, whoever else is at work."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from kit.errors import Conflict
from services.orders import contract
from services.orders.commands import run_timers
from services.orders.rendering import SYSTEM_NAME
from services.orders.settings import OrderPeriods
from tests.orders.market import Json, Market

TIMERS = ("expire_orders", "remind_customers", "confirm_orders")
SYSTEM = {"id": None, "display_name": "MicroTasks", "role": "system"}


def age(market: Market, order: Json, interval: str) -> None:
    """Makes an order look as if this much time had passed since."""
    names = ["created_at", "updated_at", "work_completed_at", "due_at", "disputed_at"]
    names += ["confirm_by", "next_reminder_at"]
    market.change(order, ", ".join(f"{name} = {name} - interval '{interval}'" for name in names))


def tick(market: Market, *timers: str) -> None:
    for timer in timers or TIMERS:
        market.harness.tick(timer)


def transitions(market: Market, order: Json) -> list[str]:
    return [event["transition"] for event in market.events(order)]


def reminders(market: Market, order: Json) -> list[int]:
    return [event["day"] for event in market.events(order, "order_reminder_due")]


def test_an_order_nobody_answered_in_72_hours_expires(market: Market) -> None:
    order, fresh = market.submit(), market.submit()
    age(market, order, "72 hours 1 second")
    age(market, fresh, "71 hours 59 minutes")
    tick(market)
    seen = market.get(order)
    assert (seen["status"], seen["version"]) == (7, 2)
    assert market.get(fresh)["status"] == 1
    line = market.history(order)[-1]
    assert (line["transition"], line["actor"]) == ("expire", SYSTEM)
    assert market.events(order)[-1]["actor"] == SYSTEM
    assert SYSTEM["display_name"] == SYSTEM_NAME


def test_an_answered_order_never_expires(market: Market) -> None:
    order = market.order_at("approved")
    age(market, order, "80 days")
    tick(market)
    assert market.get(order)["status"] == 2


def test_the_customer_is_reminded_on_days_5_and_12_and_on_day_14_it_is_done(market: Market) -> None:
    order = market.order_at("work_completed")
    expected = {4: [], 5: [5], 11: [5], 12: [5, 12], 13: [5, 12]}
    day = 0
    for later, days in expected.items():
        age(market, order, f"{later - day} days")
        day = later
        tick(market)
        tick(market)
        assert reminders(market, order) == days, later
        assert market.get(order)["status"] == 3
    age(market, order, "1 day")
    tick(market)
    done = market.get(order)
    assert (done["status"], done["payment_status"], done["confirm_by"]) == (4, "due", None)
    assert reminders(market, order) == [5, 12]
    assert market.history(order)[-1]["actor"] == SYSTEM
    assert market.events(order)[-1]["transition"] == "auto_confirm"


def test_a_reminder_says_what_to_do_until_when_and_changes_no_version(market: Market) -> None:
    order = market.order_at("work_completed")
    age(market, order, "5 days")
    tick(market)
    (event,) = market.events(order, "order_reminder_due")
    assert contract.OrderReminderDue().validate({k: v for k, v in event.items() if k != "type"}) == {}
    seen = market.get(order)
    assert (event["confirm_by"], event["kind"]) == (seen["confirm_by"], "confirm")
    assert (event["customer"], event["service"]) == (seen["customer"], seen["service"])
    assert seen["version"] == order["version"]
    assert len(market.history(order)) == 3


def test_after_a_long_stop_reminders_still_go_out_once_but_never_after_the_deadline(
    market: Market,
) -> None:
    late, too_late = market.order_at("work_completed"), market.order_at("work_completed")
    age(market, late, "13 days")
    age(market, too_late, "15 days")
    for _ in range(3):
        tick(market, "remind_customers")
    assert reminders(market, late) == [5, 12]
    assert reminders(market, too_late) == []
    tick(market)
    assert market.get(too_late)["status"] == 4


def test_reminders_start_again_with_new_work(market: Market) -> None:
    order = market.order_at("work_completed")
    age(market, order, "6 days")
    tick(market)
    market.take(order, "request_changes", "customer", reason="Bluer.")
    age(market, order, "20 days")
    tick(market)
    assert market.get(order)["status"] == 2
    market.take(order, "complete_work", "provider")
    age(market, order, "5 days")
    tick(market)
    assert reminders(market, order) == [5, 5]


def test_a_dispute_stops_every_clock(market: Market) -> None:
    order = market.order_at("disputed_work")
    assert order["confirm_by"] is None
    age(market, order, "40 days")
    tick(market)
    assert transitions(market, order)[-1] == "open_dispute"
    assert reminders(market, order) == []


def test_a_dispute_resolved_to_2_leaves_the_confirmation_clock_stopped(market: Market) -> None:
    order = market.order_at("disputed_work")
    due_at = market.row(order).due_at
    market.change(order, "disputed_at = disputed_at - interval '4 days'")
    resumed = market.take(order, "resolve_dispute", "staff", reason="Once more.", to_status=2)
    assert (resumed["status"], resumed["confirm_by"]) == (2, None)
    assert (market.row(order).due_at - due_at).days == 4
    age(market, order, "40 days")
    tick(market)
    assert market.get(order)["status"] == 2


def test_the_periods_are_settings(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORDER_EXPIRY_HOURS", "1")
    monkeypatch.setenv("CONFIRMATION_DAYS", "3")
    monkeypatch.setenv("REMINDER_DAYS", "1")
    order, completed = market.submit(), market.order_at("work_completed")
    age(market, order, "61 minutes")
    age(market, completed, "25 hours")
    tick(market)
    assert market.get(order)["status"] == 7
    assert reminders(market, completed) == [1]
    age(market, completed, "2 days")
    tick(market)
    assert market.get(completed)["status"] == 4


def test_more_than_a_batch_is_processed_in_one_run(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_timers, "BATCH", 3)
    orders = [market.submit() for _ in range(8)]
    for order in orders:
        age(market, order, "80 hours")
    tick(market)
    assert {market.get(order)["status"] for order in orders} == {7}


def test_one_bad_order_holds_nobody_up_and_is_tried_again_next_time(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_timers, "BATCH", 2)
    orders = [market.submit() for _ in range(5)]
    for order in orders:
        age(market, order, "80 hours")
    bad = orders[0]
    # Its next line of history exists already: the step must fail.
    market.harness.execute(
        "INSERT INTO order_history"
        " (order_id, sequence, transition, from_status, to_status, actor_role, created_at)"
        " VALUES (CAST(:id AS uuid), 2, 'expire', 1, 7, 'system', now())",
        id=bad["id"],
    )
    tick(market)
    assert [market.get(order)["status"] for order in orders] == [1, 7, 7, 7, 7]
    assert transitions(market, bad) == ["submit"]
    tick(market)
    assert market.get(bad)["status"] == 1
    market.change(bad, "sequence = 2")
    tick(market)
    assert market.get(bad)["status"] == 7


def test_an_order_somebody_holds_is_left_out_without_waiting(market: Market) -> None:
    held, free = market.submit(), market.submit()
    for order in (held, free):
        age(market, order, "80 hours")

    def hold(connection: Any) -> None:
        connection.exec_driver_sql("SELECT 1 FROM orders WHERE id = %s FOR UPDATE", (held["id"],))
        tick(market, "expire_orders")

    market.harness.db.write(hold)
    assert (market.get(held)["status"], market.get(free)["status"]) == (1, 7)
    tick(market)
    assert market.get(held)["status"] == 7


@pytest.mark.parametrize("replicas", [2, 4])
def test_replicas_do_everything_exactly_once(market: Market, replicas: int) -> None:
    pending = [market.submit() for _ in range(12)]
    completed = [market.order_at("work_completed") for _ in range(12)]
    for order in pending:
        age(market, order, "80 hours")
    for order in completed[:6]:
        age(market, order, "15 days")
    for order in completed[6:]:
        age(market, order, "6 days")
    with ThreadPoolExecutor(replicas) as threads:
        for _ in range(2):
            list(threads.map(lambda _: tick(market), range(replicas)))
    assert {market.get(order)["status"] for order in pending} == {7}
    assert all(transitions(market, order) == ["submit", "expire"] for order in pending)
    assert all(transitions(market, order)[3:] == ["auto_confirm"] for order in completed[:6])
    assert all(reminders(market, order) == [5] for order in completed[6:])


def test_nothing_due_is_one_statement(market: Market) -> None:
    market.submit()
    tick(market)
    for timer in TIMERS:
        market.harness.tick(timer)
        assert len(market.harness.statements) == 1


def test_a_confirmed_order_is_not_confirmed_again(market: Market) -> None:
    order = market.order_at("work_completed")
    age(market, order, "15 days")
    tick(market)
    with pytest.raises(Conflict):
        market.take(order, "confirm", "customer")


def test_the_defaults_are_used_by_the_service(market: Market) -> None:
    assert OrderPeriods() == market.harness.instance(None).periods  # type: ignore[arg-type]
