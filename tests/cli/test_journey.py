"""`microtasks demo` plays the whole journey at a running marketplace, as often as one likes."""

import asyncio
import json
from typing import Any

import pytest
from click.testing import CliRunner

from cli.commands.main import microtasks
from cli.journey import people
from cli.journey.people import NotificationMissing
from cli.journey.play import Step, play
from services.orders.contract import STATUS_CODES
from tests.support.servers import free_port
from tests.support.stack import Stack


def test_the_journey_goes_through_every_status_and_can_be_repeated(stack: Stack) -> None:
    for _ in range(2):
        *steps, end = map(json.loads, stack.command("demo", "--json", "--url", stack.url).splitlines())
        assert end["result"] == "ok"
        assert {step["status"] for step in steps} - {None} == set(STATUS_CODES)
        written = [step["status"] for step in steps if step["notification"] == "message_posted"]
        assert set(written) == set(STATUS_CODES), "they talk at every stage"


def test_every_step_of_an_order_names_whom_it_was_told(stack: Stack) -> None:
    steps: list[Step] = []
    asyncio.run(play(stack.url, 15.0, steps.append))
    told = {step.notification: step.told for step in steps if step.notification}
    assert told.keys() == {
        "order_submitted", "order_approved", "order_declined", "work_completed", "changes_requested",
        "order_completed", "message_posted", "review_submitted", "review_replied",
        "payment_paid",
    }  # fmt: skip
    assert all(step.told != step.who for step in steps)


def test_a_person_reads_names_labels_and_notifications(stack: Stack) -> None:
    shown = stack.command("demo", "--url", stack.url)
    for text in ("Rosa (customer)", "Tomás (provider)", "2 Order Placed", "Rosa is notified: order_approved"):
        assert text in shown
    assert "The whole journey" in shown


def test_a_notification_that_does_not_come_ends_the_journey(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: Any) -> int:
        return 0

    monkeypatch.setattr(people.Participant, "_count", never)
    with pytest.raises(NotificationMissing, match="Tomás received no order_submitted"):
        asyncio.run(play(stack.url, 0.3, lambda _: None))


@pytest.mark.parametrize("as_json", [False, True])
def test_without_a_gateway_it_ends_with_1_and_a_sentence(as_json: bool) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    arguments = ["demo", "--url", url, "--patience", "0.2", *(["--json"] if as_json else [])]
    done = CliRunner().invoke(microtasks, arguments)
    assert done.exit_code == 1
    assert "does not answer" in done.stderr
    assert "Traceback" not in done.stderr
    if as_json:
        assert json.loads(done.stdout)["result"] == "failed"
