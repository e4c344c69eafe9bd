"""Failed events: seen, tried again, let go; each act is recorded where it happened."""

import uuid

import pytest

from tests.cli.operations.desk import CONSUMER, NOW, OPERATOR, Desk

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("operations")]


def test_what_failed_anywhere_is_listed_and_can_be_narrowed(desk: Desk) -> None:
    tried, parked = desk.fail("reviews"), desk.fail("messaging", parked_at=NOW, type="order_reminder_due")
    found = desk.ask("events", "list")["events"]
    assert {(e["service"], e["event_id"], e["parked"]) for e in found} == {
        ("reviews", tried, False),
        ("messaging", parked, True),
    }
    assert "body" not in found[0]
    for words, expected in (
        (("--service", "reviews"), {tried}),
        (("--parked",), {parked}),
        (("--type", "order_reminder_due"), {parked}),
        (("--type", "no_such_type"), set()),
    ):
        assert {e["event_id"] for e in desk.ask("events", "list", *words)["events"]} == expected


def test_people_see_a_table_with_the_first_line_of_the_error(desk: Desk) -> None:
    assert "No event has failed." in desk.run("events", "list").stdout
    event_id = desk.fail("reviews", parked_at=NOW)
    shown = desk.run("events", "list").stdout
    for word in ("reviews", CONSUMER, event_id, "parked", "KeyError: 'price'"):
        assert word in shown
    assert "and more" not in shown


def test_one_is_shown_whole_at_every_service_where_it_failed(desk: Desk) -> None:
    event_id = desk.fail("reviews")
    desk.fail("messaging", event_id)
    shown = desk.ask("events", "show", event_id)["events"]
    assert {e["service"] for e in shown} == {"reviews", "messaging"}
    assert shown[0]["body"]["says"] == "zażółć"
    assert shown[0]["error"].endswith("and more")
    result = desk.run("events", "show", event_id)
    assert "zażółć" in result.stdout and "and more" in result.stdout
    assert desk.run("events", "show", str(uuid.uuid4())).exit_code == 1


def test_a_retried_event_is_due_with_all_its_attempts_and_the_act_is_recorded(desk: Desk) -> None:
    event_id, other = desk.fail("reviews", parked_at=NOW, attempts=10), desk.fail("reviews", parked_at=NOW)
    desk.fail("messaging", event_id)
    done = desk.ask("events", "retry", event_id, "--reason", "fixed in 1.2")["acts"]
    assert {(a["service"], a["subject"], a["done"]) for a in done} == {
        ("reviews", event_id, True),
        ("messaging", event_id, True),
    }
    due = (
        "SELECT event_id::text, attempts FROM failed_events WHERE parked_at IS NULL AND next_try_at <= now()"
    )
    assert desk.rows("reviews", due) == [(event_id, 0)]
    assert desk.ask("events", "list", "--parked")["events"][0]["event_id"] == other
    [act] = desk.acts("reviews")
    assert (act.operator, act.act, act.subject) == (OPERATOR, "events retry", event_id)
    assert act.reason == "fixed in 1.2"
    assert act.details["attempts"] == 10
    assert act.details["parked"] is True


def test_all_of_one_service_and_type_are_retried_together(desk: Desk) -> None:
    wanted = {desk.fail("reviews", parked_at=NOW) for _ in range(3)}
    desk.fail("reviews", parked_at=NOW, type="account_updated", consumer="accounts.account_updated")
    desk.fail("messaging", parked_at=NOW)
    words = ("events", "retry", "--all", "--service", "reviews", "--type", "order_status_changed")
    assert {act["subject"] for act in desk.ask(*words)["acts"]} == wanted
    assert len(desk.acts("reviews")) == 3
    assert desk.acts("messaging") == []


@pytest.mark.parametrize("act", ["retry", "drop"])
def test_a_dry_run_shows_the_same_and_changes_nothing(desk: Desk, act: str) -> None:
    event_id = desk.fail("reviews", parked_at=NOW)
    answer = desk.ask("events", act, event_id, "--reason", "why not", "--dry-run")
    assert answer["dry_run"] is True
    assert [(a["subject"], a["done"]) for a in answer["acts"]] == [(event_id, False)]
    assert desk.rows("reviews", "SELECT attempts FROM failed_events WHERE parked_at IS NOT NULL") == [(3,)]
    assert desk.acts("reviews") == []
    assert "dry run" in desk.run("events", act, event_id, "--reason", "why not", "--dry-run").stdout


def test_a_dropped_event_counts_as_taken_and_its_body_stays_in_the_record(desk: Desk) -> None:
    event_id = desk.fail("reviews", parked_at=NOW)
    assert desk.run("events", "drop", event_id).exit_code == 2, "it must say why"
    desk.ask("events", "drop", event_id, "--reason", "the order is gone")
    assert desk.rows("reviews", "SELECT 1 FROM failed_events") == []
    assert desk.rows("reviews", "SELECT consumer, event_id::text FROM inbox") == [(CONSUMER, event_id)]
    [act] = desk.acts("reviews")
    assert (act.act, act.subject, act.reason) == ("events drop", event_id, "the order is gone")
    assert act.details["body"] == {"event_id": event_id, "says": "zażółć"}
    assert act.details["error"].startswith("KeyError")


def test_an_unknown_id_is_named_and_the_others_are_done(desk: Desk) -> None:
    known, unknown = desk.fail("reviews", parked_at=NOW), str(uuid.uuid4())
    result = desk.run("events", "retry", known, unknown)
    assert result.exit_code == 1
    assert unknown in result.stderr and known not in result.stderr
    assert desk.rows("reviews", "SELECT 1 FROM failed_events WHERE parked_at IS NULL")


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--all",),
        ("--all", "--service", "reviews", str(uuid.uuid4())),
        ("--all", "--service", "payroll"),
        ("not-an-id",),
        (str(uuid.uuid4()), "--reason", " "),
    ],
)
def test_asking_wrongly_is_exit_code_2_and_changes_nothing(desk: Desk, words: tuple[str, ...]) -> None:
    desk.fail("reviews", parked_at=NOW)
    assert desk.run("events", "retry", *words).exit_code == 2
    assert desk.acts("reviews") == []
