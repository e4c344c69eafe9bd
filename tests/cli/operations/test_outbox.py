"""Outboxes against inboxes: what is missing is seen, and sent again only where it can do no harm."""

from datetime import timedelta

import pytest

from services.messaging.contract import MESSAGE_POSTED
from services.orders.contract import ORDER_REMINDER_DUE, ORDER_STATUS_CHANGED
from tests.cli.operations.desk import NOW, OPERATOR, Desk

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("operations")]
ALL = ORDER_STATUS_CHANGED.consumers
OTHERS = tuple(consumer for consumer in ALL if consumer != "reviews")


def test_what_is_unsent_and_what_is_not_taken_is_counted_by_consumer(desk: Desk) -> None:
    desk.send(*ALL)
    desk.send(*OTHERS, sent_at=NOW - timedelta(minutes=5))
    desk.send(*OTHERS)
    desk.send(sent_at=None, created_at=NOW - timedelta(hours=1))
    desk.fail("reviews", desk.send(*OTHERS), parked_at=NOW)
    status = desk.ask("outbox", "status")
    [orders] = [o for o in status["outboxes"] if o["service"] == "orders"]
    assert (orders["unsent"], orders["sent_in_the_last_hour"]) == (1, 4)
    assert orders["oldest_unsent_seconds"] > 3500
    about = {d["consumer"]: d for d in status["deliveries"] if d["type"] == "order_status_changed"}
    not_taken = {name: delivery["not_taken"] for name, delivery in about.items()}
    assert not_taken == dict.fromkeys(OTHERS, 0) | {"reviews": 2}
    assert (about["reviews"]["failed"], about["reviews"]["parked"]) == (0, 1)
    assert about["reviews"]["oldest_not_taken_seconds"] > 290
    assert about["messaging"]["oldest_not_taken_seconds"] is None
    shown = desk.run("outbox", "status", "--service", "orders").stdout
    assert "orders.order_status_changed" in shown and "catalog" not in shown


def test_what_one_consumer_lacks_is_sent_again_and_nothing_else(desk: Desk) -> None:
    lacking = {desk.send(*OTHERS) for _ in range(3)}
    desk.send(*ALL)
    desk.send("reviews")
    words = ("outbox", "replay", "--since", "1h", "--consumer", "reviews", "--reason", "its queue was lost")
    dry = desk.ask(*words, "--dry-run")
    assert [(a["subject"], a["outcome"], a["done"]) for a in dry["acts"]] == [
        ("order_status_changed", "3 sent again", False)
    ]
    assert desk.unsent() == set() and desk.acts("orders") == []
    assert desk.ask(*words)["acts"][0]["done"] is True
    assert desk.unsent() == lacking
    [act] = desk.acts("orders")
    assert (act.operator, act.act, act.reason) == (OPERATOR, "outbox replay", "its queue was lost")
    assert act.details["events"] == {"order_status_changed": 3}
    assert act.details["consumer"] == "reviews"


def test_everything_since_a_time_is_sent_again_by_type_and_service(desk: Desk) -> None:
    recent, reminder = desk.send(*ALL), desk.send("messaging", event=ORDER_REMINDER_DUE)
    desk.send(*ALL, sent_at=NOW - timedelta(hours=3))
    since = (NOW - timedelta(minutes=1)).isoformat()
    assert desk.ask("outbox", "replay", "--since", since, "--service", "reviews")["acts"] == []
    desk.ask("outbox", "replay", "--since", since, "--type", "order_reminder_due")
    assert desk.unsent() == {reminder}
    desk.ask("outbox", "replay", "--since", since, "--service", "orders")
    assert desk.unsent() == {reminder, recent}


def test_what_nobody_must_take_is_sent_again_only_when_it_is_named(desk: Desk) -> None:
    live = desk.send(event=MESSAGE_POSTED)
    desk.ask("outbox", "replay", "--since", "1h")
    assert desk.unsent("messaging") == set()
    desk.ask("outbox", "replay", "--since", "1h", "--type", "message_posted")
    assert desk.unsent("messaging") == {live}


def test_an_event_that_an_inbox_may_have_forgotten_is_never_sent_again(desk: Desk) -> None:
    desk.send(created_at=NOW - timedelta(days=desk.settings.retention_days))
    for words in ((), ("--consumer", "reviews")):
        assert desk.ask("outbox", "replay", "--since", "60d", *words)["acts"] == []
    assert desk.unsent() == set()
    status = desk.ask("outbox", "status", "--service", "orders")
    assert [d["not_taken"] for d in status["deliveries"]] == [0] * len(status["deliveries"])


@pytest.mark.parametrize("since", ["yesterday", "2026-11-26T01:30:00", "5", "5w", ""])
def test_a_time_is_an_aware_one_or_so_long_ago(desk: Desk, since: str) -> None:
    result = desk.run("outbox", "replay", "--since", since)
    assert result.exit_code == 2
    assert "2026-11-26T01:30:00Z" in result.stderr
