"""An operator sees what became of an order everywhere, and moves it only as the rules allow staff."""

import uuid
from typing import Any

import pytest
import sqlalchemy as sa

from chassis.storage.tables import INBOX, OUTBOX
from services.catalog.types import Offer
from services.orders.commands.submit_order import insert_order
from tests.cli.operations.desk import CONSUMER, NOW, OPERATOR, Desk
from tests.support.service_harness import person

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("operations")]
REASON = ("--reason", "Both asked us to.")


@pytest.fixture
def order(desk: Desk) -> dict[str, Any]:
    """A pending order."""
    provider = person("Pia")
    offer: Offer = {
        "service_id": str(uuid.uuid4()),
        "title": "A logo",
        "price": {"amount": 4500, "currency": "EUR"},
        "delivery_days": 3,
        "revisions": 1,
        "status": "active",
        "provider": {"id": provider.id, "display_name": provider.display_name},
    }
    with desk.transaction("orders") as connection:
        number = connection.execute(sa.text("SELECT nextval('order_numbers')")).scalar_one()
        return dict(insert_order(connection, person("Carla"), offer, "A blue bird.", number, {}))


def cancel(desk: Desk, order: dict[str, Any], *words: str, exit_code: int = 0) -> Any:
    return desk.ask("orders", "transition", order["id"], "cancel", "--as-staff", *words, exit_code=exit_code)


def history(desk: Desk, order: dict[str, Any]) -> list[Any]:
    query = "SELECT * FROM order_history WHERE order_id = :order_id ORDER BY sequence"
    return desk.rows("orders", query, order_id=order["id"])


def test_an_order_is_found_by_id_and_by_number(desk: Desk, order: dict[str, Any]) -> None:
    for name in (order["id"], f"MT-{order['number']}", str(order["number"]), f"mt-{order['number']}"):
        shown = desk.ask("orders", "show", name)["order"]
        assert (shown["id"], shown["status"]) == (order["id"], 1)
        assert [step["transition"] for step in shown["history"]] == ["submit"]
    shown = desk.run("orders", "show", order["id"]).stdout
    assert "Pending" in shown and "Carla (customer)" in shown
    for unknown in (str(uuid.uuid4()), "MT-1", "nonsense"):
        result = desk.run("orders", "show", unknown)
        assert (result.exit_code, result.stderr) == (1, "Error: There is no such order.\n")


def test_the_timeline_says_which_service_has_taken_each_step_and_when(
    desk: Desk, order: dict[str, Any]
) -> None:
    [(event_id,)] = desk.rows("orders", "SELECT event_id::text FROM outbox")
    [step] = desk.ask("orders", "timeline", order["id"])["timeline"]
    assert {taken["state"] for taken in step["taken"]} == {"not sent"}
    desk.execute("orders", sa.update(OUTBOX).values(sent_at=NOW))
    desk.execute("messaging", sa.insert(INBOX).values(consumer=CONSUMER, event_id=event_id))
    desk.fail("reviews", event_id, parked_at=NOW)
    [step] = desk.ask("orders", "timeline", order["id"])["timeline"]
    assert (step["transition"], step["event_id"]) == ("submit", event_id)
    states = {taken["consumer"]: taken["state"] for taken in step["taken"]}
    assert states == {"messaging": "taken", "reviews": "parked"}, (
        "accounts and payments act on completions only"
    )
    assert next(t["at"] for t in step["taken"] if t["consumer"] == "messaging") is not None
    shown = desk.run("orders", "timeline", order["id"]).stdout
    assert "reviews: parked" in shown and event_id in shown


def test_an_old_step_is_shown_though_its_event_is_forgotten(desk: Desk, order: dict[str, Any]) -> None:
    desk.execute("orders", "DELETE FROM outbox")
    [step] = desk.ask("orders", "timeline", order["id"])["timeline"]
    assert (step["event_id"], step["taken"]) == (None, [])
    assert "forgotten" in desk.run("orders", "timeline", order["id"]).stdout


def test_a_step_by_hand_is_recorded_like_every_other_and_names_the_operator(
    desk: Desk, order: dict[str, Any]
) -> None:
    desk.execute("orders", "DELETE FROM outbox")
    [act] = cancel(desk, order, *REASON, "--note", "By telephone.")["acts"]
    assert (act["subject"], act["outcome"]) == (order["id"], "cancel: 1 → 7")
    shown = desk.ask("orders", "show", order["id"])["order"]
    assert (shown["status"], shown["version"]) == (7, 2)
    last = shown["history"][-1]
    assert (last["transition"], last["reason"], last["note"]) == ("cancel", REASON[1], "By telephone.")
    assert (last["actor"]["display_name"], last["actor"]["role"]) == (OPERATOR, "staff")
    [(event,)] = desk.rows("orders", "SELECT body FROM outbox WHERE sent_at IS NULL")
    assert (event["transition"], event["sequence"], event["actor"]) == ("cancel", 2, last["actor"])
    [recorded] = desk.acts("orders")
    assert (recorded.operator, recorded.subject, recorded.reason) == (OPERATOR, order["id"], REASON[1])
    assert recorded.act == "orders transition cancel"
    assert recorded.details == {"from_status": 1, "to_status": 7, "sequence": 2}


def test_a_dry_run_decides_and_changes_nothing(desk: Desk, order: dict[str, Any]) -> None:
    [act] = cancel(desk, order, *REASON, "--dry-run")["acts"]
    assert (act["done"], act["outcome"]) == (False, "cancel: 1 → 7")
    assert len(history(desk, order)) == 1
    assert desk.acts("orders") == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("approve",), "Only the provider may approve an order."),
        (
            ("resolve_dispute", "--to-status", "7"),
            "The order is Pending: resolve_dispute is not possible now.",
        ),
        (("cancel", "--to-status", "4"), "Only resolve_dispute takes a status."),
        (("cancel", "--note", "x" * 4001), "note: Length must be between 0 and 4000."),
    ],
)
def test_what_the_rules_refuse_is_refused_with_their_words(
    desk: Desk, order: dict[str, Any], words: tuple[str, ...], says: str
) -> None:
    result = desk.run("orders", "transition", order["id"], *words, "--as-staff", *REASON)
    assert (result.exit_code, result.stderr) == (1, f"Error: {says}\n")
    assert len(history(desk, order)) == 1
    assert desk.acts("orders") == []


def test_a_dispute_is_resolved_to_a_chosen_status(desk: Desk, order: dict[str, Any]) -> None:
    disputed = "UPDATE orders SET status = 2, disputed_at = now() WHERE id = :order_id"
    desk.execute("orders", disputed, order_id=order["id"])
    words = ("resolve_dispute", "--to-status", "4", "--as-staff", *REASON)
    [act] = desk.ask("orders", "transition", order["id"], *words)["acts"]
    assert act["outcome"] == "resolve_dispute: 2 → 4"
    shown = desk.ask("orders", "show", order["id"])["order"]
    assert (shown["status"], shown["disputed"], shown["payment_status"]) == (4, False, "due")


@pytest.mark.parametrize(
    "words", [("cancel", *REASON), ("cancel", "--as-staff"), ("fly", "--as-staff", *REASON)]
)
def test_asking_wrongly_is_exit_code_2(desk: Desk, order: dict[str, Any], words: tuple[str, ...]) -> None:
    assert desk.run("orders", "transition", order["id"], *words).exit_code == 2
    assert len(history(desk, order)) == 1


@pytest.mark.parametrize("name", [" ", "x" * 81])
def test_an_operator_without_a_usable_name_does_nothing(
    desk: Desk, order: dict[str, Any], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MICROTASKS_OPERATOR", name)
    result = desk.run("orders", "transition", order["id"], "cancel", "--as-staff", *REASON)
    assert result.exit_code == 2
    assert "MICROTASKS_OPERATOR" in result.stderr
    assert len(history(desk, order)) == 1
