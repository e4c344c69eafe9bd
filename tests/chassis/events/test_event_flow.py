import json
import uuid
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from chassis.amqp.event_consumer import EventConsumer, EventEntrypoint
from chassis.amqp.event_work import NewDelivery
from chassis.runtime.context import CallContext
from chassis.storage.database import Database, Db
from kit.errors import Unavailable
from kit.settings import Settings
from tests.chassis import echo_contract as contract
from tests.chassis.conftest import Echo
from tests.support.servers import eventually

pytestmark = pytest.mark.servers


def event(text: str, event_id: str | None = None, version: int = 1) -> str:
    return json.dumps(
        {
            "event_id": event_id or str(uuid.uuid4()),
            "version": version,
            "occurred_at": "2026-01-01T00:00:00Z",
            "text": text,
        }
    )


def test_a_recorded_event_is_published_confirmed_and_handled_once(echo: Echo) -> None:
    echo.call(contract.DO, "a")
    eventually(lambda: "handled a" in echo.notes())
    eventually(lambda: not echo.rows("SELECT 1 FROM outbox WHERE sent_at IS NULL"))
    assert echo.rows("SELECT consumer FROM inbox") == [("echo.thing_done",)]


def test_a_field_this_consumer_does_not_know_yet_breaks_nothing(echo: Echo) -> None:
    body = json.loads(event("additive")) | {
        "new": 1,
        "by": {"id": str(uuid.uuid4()), "display_name": "A", "new": 1},
    }
    echo.publish_event(json.dumps(body))
    eventually(lambda: "handled additive" in echo.notes())


def test_an_event_delivered_twice_has_one_effect(echo: Echo) -> None:
    event_id = str(uuid.uuid4())
    for _ in range(5):
        echo.publish_event(event("twice", event_id))
    echo.publish_event(event("last"))
    eventually(lambda: "handled last" in echo.notes())
    assert echo.notes().count("handled twice") == 1


NOT_UTF_8 = b"\xff\xfe"
UNREADABLE = ["", "not json", "[]", "{}", event("v2", version=2), '{"version": 1}', "[" * 100_000]


@pytest.mark.parametrize("body", UNREADABLE, ids=lambda body: body[:12])
def test_an_event_nobody_can_read_is_kept_and_the_rest_flows_on(echo: Echo, body: str) -> None:
    echo.publish_event(body)
    echo.publish_event(event("next"))
    eventually(lambda: "handled next" in echo.notes())
    eventually(lambda: len(echo.dead_letters()) == 1, what="the dead letter")


def test_properties_that_nobody_can_read_stop_no_queue(echo: Echo) -> None:
    echo.publish_event(event("strange"), message_id=NOT_UTF_8)
    echo.publish_event(event("next"))
    eventually(lambda: {"handled strange", "handled next"} <= set(echo.notes()))


def test_a_failing_event_is_retried_parked_and_never_half_applied(echo: Echo) -> None:
    echo.publish_event(event("fails"))
    echo.publish_event(event("next"))
    eventually(lambda: "handled next" in echo.notes())
    eventually(lambda: echo.rows("SELECT 1 FROM failed_events WHERE parked_at IS NOT NULL"), what="parked")
    ((attempts, error),) = echo.rows("SELECT attempts, error FROM failed_events")
    assert (attempts, error) == (3, "ValueError: this event cannot be taken yet")
    assert "handled fails" not in echo.notes()


class Refusing(Db):
    """A database that cannot work now."""

    def __init__(self, code: str) -> None:
        self.tries = 0
        self._code = code

    def write(self, effect: Any) -> Any:
        self.tries += 1
        raise Unavailable("Not now.", code=self._code)


@pytest.mark.parametrize("code", ["database_unavailable", "busy"])
def test_an_event_waits_for_a_database_away_or_busy_until_the_broker_delivers_it_elsewhere(code: str) -> None:
    db = Refusing(code)
    work = NewDelivery(
        "echo.thing_done", contract.THING_DONE, json.loads(event("a")), Settings(), lambda: db.tries < 2
    )
    with pytest.raises(Unavailable):
        work.run(db, lambda connection, taken: None)
    assert db.tries == 2, "it was never tried to keep it as failed"


def test_a_failed_event_whose_retry_still_waits_is_not_retried_once_more() -> None:
    consumer, context, database = EventConsumer(), CallContext(), Database()
    retries: list[Callable[..., Any]] = []
    polls = iter(range(6))

    def read(_query: Any) -> list[tuple[int, str]]:
        if next(polls) == 3:
            assert len(retries) == 1, "three polls, one retry"
            retries[0](None, None, None)
        consumer._stopping = len(retries) > 1
        return [(7, "echo.thing_done")]

    database.db = SimpleNamespace(read=read)  # type: ignore[assignment]
    consumer.container = context.container = SimpleNamespace(
        service_name="echo",
        config={"settings": Settings(event_retry_seconds=0.01)},
        dependencies=[database, context],
        spawn_worker=lambda *_, handle_result, **__: retries.append(handle_result),
    )
    context.setup()
    consumer._entrypoints["echo.thing_done"] = EventEntrypoint(contract.THING_DONE)
    consumer._retry_periodically()
    assert len(retries) == 2, "and another when the first has ended"


def test_a_failing_event_recovers_by_itself_when_its_cause_is_gone(echo: Echo) -> None:
    echo.publish_event(event("fails"))
    eventually(lambda: echo.rows("SELECT 1 FROM failed_events"), what="kept")
    echo.note("recovered")
    eventually(lambda: "handled fails" in echo.notes())
    eventually(lambda: not echo.rows("SELECT 1 FROM failed_events"), what="forgotten")


def test_events_that_cannot_even_be_kept_as_failed_are_dead_letters_and_the_rest_flows_on(echo: Echo) -> None:
    echo.db.write(lambda c: c.exec_driver_sql("ALTER TABLE failed_events RENAME TO elsewhere"))
    for _ in range(echo.settings.event_workers + 1):
        echo.publish_event(event("fails"))
    echo.publish_event(event("next"))
    eventually(lambda: "handled next" in echo.notes())
    eventually(lambda: len(echo.dead_letters()) == echo.settings.event_workers + 1, what="the dead letters")


def test_events_recorded_before_a_crash_are_published_by_the_next_process(echo: Echo) -> None:
    echo.kill()
    body = event("orphan")
    echo.rows("SELECT 1")
    echo.db.write(
        lambda c: c.exec_driver_sql(
            "INSERT INTO outbox (event_id, type, body) VALUES (%s, 'thing_done', %s)",
            (json.loads(body)["event_id"], body),
        )
    )
    echo.start()
    eventually(lambda: "handled orphan" in echo.notes())


def test_an_event_whose_queue_is_missing_waits_in_the_outbox(echo: Echo) -> None:
    from contextlib import closing

    from chassis.amqp import topology
    from tests.support.servers import broker_connection

    queue = topology.event_queue(echo.settings, contract.THING_DONE, "echo")
    with closing(broker_connection(echo.settings.amqp_url)) as connection:
        connection.channel().queue_delete(queue)
    echo.call(contract.DO, "waits")
    eventually(lambda: b"event_unroutable" in echo.log.read_bytes(), what="the log says so")
    assert echo.rows("SELECT 1 FROM outbox WHERE sent_at IS NULL")
    topology.declare(echo.settings, ["echo"], [contract.THING_DONE])
    eventually(lambda: "handled waits" in echo.notes())
