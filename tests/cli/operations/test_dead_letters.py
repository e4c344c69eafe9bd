"""Dead letters: looking loses none and keeps their order; one leaves only when it has arrived."""

import json

import amqp
import pytest

from chassis.amqp import topology
from chassis.amqp.rpc_server import CALL, REASON
from services.registry import NAMES, all_events
from tests.cli.operations.desk import CONSUMER, OPERATOR, Desk, event_body, readable
from tests.cli.test_commands import microtasks

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("operations")]
LOOKS = 30  # RabbitMQ 4 forgets a message after 20 where no other limit is set


NOT_UTF_8 = b"\xff\xfe"  # in the properties: with them all that the broker noted is lost


def dead_letter(desk: Desk, service: str, body: str, **headers: str) -> None:
    """A call as a service buries it."""
    with desk.channel() as channel:
        message = amqp.Message(body, delivery_mode=2, timestamp=1_700_000_000, application_headers=headers)
        channel.basic_publish_confirm(message, topology.dead_letter_exchange(desk.settings), service)


def test_looking_often_loses_nothing_and_keeps_the_order(desk: Desk) -> None:
    bodies = [event_body(number=number) for number in range(5)]
    desk.reject("reviews", *bodies)
    first = desk.ask("dead-letters", "list")["dead_letters"]
    assert [letter["beginning"] for letter in first] == [body[:120] for body in bodies]
    for _ in range(LOOKS):
        assert desk.ask("dead-letters", "list", "--service", "reviews")["dead_letters"] == first


def test_an_event_says_what_it_is_where_it_died_and_what_this_release_says_to_it(desk: Desk) -> None:
    desk.reject("reviews", event_body(version=2), "not json", b"\xff\xfe", readable())
    letters = desk.ask("dead-letters", "list")["dead_letters"]
    assert {(x["service"], x["kind"], x["name"]) for x in letters} == {("reviews", "event", CONSUMER)}
    assert {x["queue"] for x in letters} == {desk.event_queue("reviews")}
    refused = [x["refused"] for x in letters]
    assert "version 2 of order_status_changed is not known here" in refused[0]
    assert "JSONDecodeError" in refused[1] and "JSONDecodeError" in refused[2]
    assert refused[3] == ""
    shown = desk.run("dead-letters", "list").stdout
    assert "would be taken" in shown and letters[0]["id"] in shown


def test_a_call_says_which_it_was_and_why_and_never_a_password(desk: Desk) -> None:
    body = '{"kwargs": {"email": "a@example.com", "password": "hidden-\\"word"}}'
    dead_letter(desk, "accounts", body, **{CALL: "accounts.open_session", REASON: "ValueError: no reply_to"})
    [letter] = desk.ask("dead-letters", "list")["dead_letters"]
    assert (letter["kind"], letter["name"]) == ("call", "accounts.open_session")
    assert letter["reason"] == "ValueError: no reply_to"
    assert letter["died_at"] == "2023-11-14T22:13:20.000000Z"
    whole = desk.ask("dead-letters", "show", letter["id"])["dead_letter"]
    assert whole["headers"][REASON] == "ValueError: no reply_to"
    assert "a@example.com" in whole["body"]
    assert "hidden" not in json.dumps([letter, whole])
    assert "a@example.com" in desk.run("dead-letters", "show", letter["id"]).stdout


def test_what_says_nothing_of_itself_is_shown_kept_and_can_only_be_dropped(desk: Desk) -> None:
    dead_letter(desk, "orders", "rubbish")
    desk.reject("reviews", readable(), message_id=NOT_UTF_8)
    done = microtasks("dead-letters", "list", "--json")
    letters = json.loads(done.stdout)["dead_letters"]
    assert [letter["kind"] for letter in letters] == ["unknown", "unknown"]
    result = desk.run("dead-letters", "replay", "--all", "--anyway")
    assert result.exit_code == 1 and "kept" in result.stdout
    desk.run("dead-letters", "drop", *(letter["id"] for letter in letters), "--reason", "rubbish")
    assert desk.ask("dead-letters", "list")["dead_letters"] == []


def test_an_event_goes_back_to_the_one_consumer_that_refused_it(desk: Desk) -> None:
    body = readable()
    told = {"nameko.request_id": "r-1"}
    desk.reject("reviews", body, application_headers=told, message_id="the-event")
    [letter] = desk.ask("dead-letters", "list")["dead_letters"]
    dry = desk.ask("dead-letters", "replay", letter["id"], "--dry-run")
    assert dry["acts"][0]["done"] is False and desk.acts("reviews") == []
    answer = desk.ask("dead-letters", "replay", letter["id"], "--reason", "reviews 1.2 takes it")
    assert answer["acts"][0]["outcome"] == f"sent to {desk.event_queue('reviews')}"
    assert desk.ask("dead-letters", "list")["dead_letters"] == []
    with desk.channel() as channel:
        message = channel.basic_get(desk.event_queue("reviews"), no_ack=True)
    assert message.body == body
    assert message.properties["message_id"] == "the-event"
    assert message.headers["nameko.request_id"] == "r-1"
    assert "x-death" not in message.headers, "what the broker noted when it died"
    assert desk.waiting(desk.event_queue("messaging")) == []
    [act] = desk.acts("reviews")
    assert (act.operator, act.act, act.subject) == (OPERATOR, "dead-letters replay", letter["id"])
    assert act.details["name"] == CONSUMER


def test_what_would_be_refused_again_stays_unless_it_is_wanted_anyway(desk: Desk) -> None:
    desk.reject("reviews", event_body(version=2), readable())
    answer = desk.ask("dead-letters", "replay", "--all", exit_code=1)
    assert [act["done"] for act in answer["acts"]] == [False, True]
    [kept] = desk.ask("dead-letters", "list")["dead_letters"]
    assert "version 2" in kept["refused"]
    assert len(desk.waiting(desk.event_queue("reviews"))) == 1
    desk.ask("dead-letters", "replay", "--all", "--anyway")
    [body] = desk.waiting(desk.event_queue("reviews"))
    assert json.loads(body)["version"] == 2
    assert len(desk.acts("reviews")) == 2


def test_a_letter_stays_when_it_cannot_arrive(desk: Desk) -> None:
    desk.reject("reviews", readable())
    with desk.channel() as channel:
        channel.queue_delete(desk.event_queue("reviews"))
    result = desk.run("dead-letters", "replay", "--all")
    topology.declare(desk.settings, NAMES, all_events())
    assert result.exit_code == 1
    assert "microtasks migrate" in result.stderr
    assert len(desk.ask("dead-letters", "list")["dead_letters"]) == 1


def test_a_letter_whose_queue_is_not_its_services_goes_nowhere(desk: Desk) -> None:
    forged = {"x-first-death-queue": topology.rpc_queue(desk.settings, "accounts")}
    dead_letter(desk, "reviews", readable(), **forged)
    desk.ask("dead-letters", "replay", "--all", "--anyway", exit_code=1)
    assert desk.waiting(topology.rpc_queue(desk.settings, "accounts")) == []
    assert len(desk.ask("dead-letters", "list")["dead_letters"]) == 1


def test_a_call_that_nobody_answers_stays(desk: Desk) -> None:
    body = json.dumps({"kwargs": {"limit": 5, "cursor": None}})
    dead_letter(desk, "catalog", body, **{CALL: "catalog.list_categories", REASON: "ValueError: no reply_to"})
    answer = desk.ask("dead-letters", "replay", "--all", exit_code=1)
    assert "did not answer" in answer["acts"][0]["outcome"]
    assert len(desk.ask("dead-letters", "list")["dead_letters"]) == 1


def test_a_dropped_letter_is_in_the_record_without_its_secrets(desk: Desk) -> None:
    desk.reject("reviews", event_body(access_token="hidden-word", word="ready"))
    [letter] = desk.ask("dead-letters", "list")["dead_letters"]
    assert desk.run("dead-letters", "drop", letter["id"]).exit_code == 2, "it must say why"
    dry = desk.ask("dead-letters", "drop", letter["id"], "--reason", "a test's", "--dry-run")
    assert dry["acts"][0]["done"] is False
    assert desk.ask("dead-letters", "list")["dead_letters"] == [letter]
    desk.ask("dead-letters", "drop", letter["id"], "--reason", "a test's")
    assert desk.ask("dead-letters", "list")["dead_letters"] == []
    [act] = desk.acts("reviews")
    assert (act.act, act.reason) == ("dead-letters drop", "a test's")
    assert '"word": "ready"' in act.details["body"] and "hidden-word" not in act.details["body"]


@pytest.mark.parametrize("words", [(), ("--all", "an-id")])
def test_asking_wrongly_is_exit_code_2(desk: Desk, words: tuple[str, ...]) -> None:
    assert desk.run("dead-letters", "replay", *words).exit_code == 2


def test_an_unknown_id_is_named(desk: Desk) -> None:
    for act in (("show",), ("replay",), ("drop", "--reason", "none")):
        result = desk.run("dead-letters", *act, "0123456789ab")
        assert result.exit_code == 1
        assert "0123456789ab" in result.stderr
