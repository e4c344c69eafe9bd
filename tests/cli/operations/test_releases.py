"""What a running service cannot process: the rest flows on, it is seen, and goes through after the fix."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import amqp
import pytest

from chassis.amqp import topology
from tests.cli.operations.desk import Desk, readable
from tests.support import stack as stacks
from tests.support.servers import eventually
from tests.support.stack import Stack

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("operations")]
NEXT_RELEASE = (stacks.MICROTASKS[0], "-m", "tests.cli.operations.next_release")


@pytest.fixture
def reviews(desk: Desk, tmp_path: Path) -> Iterator[Stack]:
    """The reviews process alone."""
    with Stack(tmp_path, desk.settings, EVENT_RETRY_SECONDS="0.3", EVENT_ATTEMPTS="2") as stack:
        stack.start("reviews")
        stack.wait_until_ready()
        yield stack


def publish(desk: Desk, *bodies: str) -> None:
    with desk.channel() as channel:
        for body in bodies:
            message = amqp.Message(body, delivery_mode=2)
            channel.basic_publish(message, routing_key=desk.event_queue("reviews"))


def call(desk: Desk, method: str, **arguments: Any) -> None:
    """A call that says nothing of where its answer should go."""
    with desk.channel() as channel:
        message = amqp.Message(json.dumps({"args": [], "kwargs": arguments}))
        channel.basic_publish(message, topology.rpc_exchange(desk.settings), f"reviews.{method}")


def taken(desk: Desk) -> int:
    return len(desk.rows("reviews", "SELECT 1 FROM inbox"))


def letters(desk: Desk) -> list[Any]:
    return list(desk.ask("dead-letters", "list", "--service", "reviews")["dead_letters"])


def test_an_unknown_version_and_a_malformed_body_go_through_with_the_next_release(
    desk: Desk, reviews: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_price = {
        name: value for name, value in json.loads(readable(version=2)).items() if name != "price"
    }
    publish(desk, readable(version=2), json.dumps(without_price), "not json", readable())
    eventually(lambda: taken(desk) == 1, 30, "the readable one flows on")
    eventually(lambda: len(letters(desk)) == 3, 30, "the others are seen")
    assert all(letter["refused"] for letter in letters(desk))
    assert desk.run("dead-letters", "replay", "--all").exit_code == 1
    assert len(letters(desk)) == 3, "this release would refuse them again"

    monkeypatch.setattr(stacks, "MICROTASKS", NEXT_RELEASE)
    for process in reviews.processes:
        process.kill()
        process.start()
    reviews.wait_until_ready()
    with pytest.raises(AssertionError, match="Not everything was done"):
        reviews.command("dead-letters", "replay", "--all", "--reason", "the next release knows them")
    eventually(lambda: taken(desk) == 3, 30, "both have their effect")
    assert [letter["beginning"] for letter in letters(desk)] == ["not json"]
    assert {act.reason for act in desk.acts("reviews")} == {"the next release knows them"}


def test_a_call_without_reply_to_is_seen_and_answered_to_the_operator(desk: Desk, reviews: Stack) -> None:
    call(desk, "list_profile_reviews", account_id=json.loads(readable())["order_id"], limit=5, cursor=None)
    call(desk, "get_review", order_id=json.loads(readable())["order_id"])
    publish(desk, readable())
    eventually(lambda: taken(desk) == 1, 30, "events flow on")
    eventually(lambda: len(letters(desk)) == 2, 30, "the calls are seen")
    assert {letter["reason"] for letter in letters(desk)} == {"ValueError: no reply_to"}
    acts = desk.ask("dead-letters", "replay", "--all", exit_code=1)["acts"]
    outcomes = {act["done"]: act["outcome"] for act in acts}
    assert outcomes[True] == 'answered: {"data": [], "next_cursor": null}'
    assert "Unauthenticated: Sign in first." in outcomes[False], "nobody's access token is kept"
    assert [letter["name"] for letter in letters(desk)] == ["reviews.get_review"]


def test_a_call_that_is_still_unreadable_is_one_dead_letter_again(desk: Desk, reviews: Stack) -> None:
    with desk.channel() as channel:
        message = amqp.Message('{"args": []}', reply_to="reply.nobody")
        exchange = topology.rpc_exchange(desk.settings)
        channel.basic_publish(message, exchange, "reviews.list_profile_reviews")
    eventually(lambda: len(letters(desk)) == 1, 30, "the call is seen")
    [before] = letters(desk)
    assert before["reason"] == before["refused"] == "KeyError: 'kwargs'"
    [act] = desk.ask("dead-letters", "replay", "--all", "--anyway")["acts"]
    assert "a new dead letter stands for it" in act["outcome"]
    [after] = letters(desk)
    assert after["id"] != before["id"]


def test_a_retried_event_is_taken_by_the_running_service(desk: Desk, reviews: Stack) -> None:
    desk.execute("reviews", "ALTER TABLE review_slots RENAME TO elsewhere")
    try:
        publish(desk, readable())
        eventually(lambda: desk.ask("events", "list", "--parked")["events"], 30, "parked")
        [event] = desk.ask("events", "list")["events"]
    finally:
        desk.execute("reviews", "ALTER TABLE elsewhere RENAME TO review_slots")
    assert event["attempts"] == 2 and "review_slots" in event["error"]
    desk.ask("events", "retry", event["event_id"], "--reason", "the table is back")
    eventually(lambda: taken(desk) == 1, 30, "taken")
    assert desk.ask("events", "list")["events"] == []
