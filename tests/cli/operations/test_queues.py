"""Every queue is shown with what is wrong with it, by plain AMQP and the databases."""

from datetime import timedelta
from typing import Any

import amqp
import pytest

from chassis.amqp import topology
from services.registry import NAMES, all_events
from tests.cli.operations.desk import NOW, Desk, event_body
from tests.support.servers import free_port

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("operations")]


def states(desk: Desk, *words: str) -> dict[str, Any]:
    return {state["queue"]: state for state in desk.ask("queues", *words)["queues"]}


def test_every_queue_is_there_and_those_nobody_reads_are_marked(desk: Desk) -> None:
    found = states(desk)
    assert set(found) == set(desk.queues)
    calls, letters = topology.rpc_queue(desk.settings, "orders"), "dead-letters-orders"
    with desk.channel() as channel:
        channel.basic_consume(calls, callback=lambda _: None)
        read = states(desk, "--service", "orders")
    assert (found[calls]["wrong"], read[calls]["wrong"]) == ("nobody reads it", "")
    assert read[calls]["consumers"] == 1
    assert found[f"{desk.settings.broker_prefix}{letters}"]["wrong"] == ""
    assert {state["service"] for state in read.values()} == {"orders"}


def test_events_are_counted_that_were_sent_and_had_no_effect_yet(desk: Desk) -> None:
    desk.send("messaging", "accounts", sent_at=NOW - timedelta(minutes=3))
    state = states(desk, "--service", "reviews")[desk.event_queue("reviews")]
    assert (state["ready"], state["not_taken"]) == (0, 1)
    assert state["oldest_seconds"] > 170
    assert states(desk, "--service", "messaging")[desk.event_queue("messaging")]["not_taken"] == 0


def test_dead_letters_are_marked_and_have_an_age(desk: Desk) -> None:
    desk.reject("reviews", event_body())
    queue = topology.dead_letter_queue(desk.settings, "reviews")
    for _ in range(2):
        state = states(desk, "--service", "reviews")[queue]
        assert (state["ready"], state["wrong"]) == (1, "messages that no consumer could process")
        assert state["oldest_seconds"] is not None
    assert "messages that no consumer could process" in desk.run("queues", "--service", "reviews").stdout


def test_a_queue_that_grows_from_look_to_look_is_marked(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    queue = desk.event_queue("reviews")
    with desk.channel() as channel:

        def meanwhile(_seconds: float) -> None:
            channel.basic_publish_confirm(amqp.Message("{}"), routing_key=queue)

        monkeypatch.setattr("cli.operations.queues.time.sleep", meanwhile)
        found = states(desk, "--service", "reviews")
    assert "grows" in found[queue]["wrong"]


def test_a_missing_queue_is_marked(desk: Desk) -> None:
    queue = topology.rpc_queue(desk.settings, "orders")
    with desk.channel() as channel:
        channel.queue_delete(queue)
    try:
        state = states(desk, "--service", "orders")[queue]
    finally:
        topology.declare(desk.settings, NAMES, all_events())
    assert (state["ready"], state["wrong"]) == (None, "missing: run microtasks migrate")


def test_the_broker_is_shown_while_the_databases_are_away(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://nobody@127.0.0.1:{free_port()}/{{service}}")
    state = states(desk, "--service", "reviews")[desk.event_queue("reviews")]
    assert (state["ready"], state["not_taken"]) == (0, None)
