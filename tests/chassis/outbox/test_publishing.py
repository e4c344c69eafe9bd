"""On real servers: each event is published once in normal operation, and never lost in any other."""

import json
import signal
import uuid
from contextlib import closing
from typing import Any

import amqp
import pytest
import sqlalchemy as sa

from chassis.amqp import outbox_reader, topology
from chassis.amqp.outbox_reader import OutboxReader
from chassis.storage.database import Db
from chassis.storage.recorded import RecordedEvent
from chassis.storage.sent_events import BATCH, BATCH_SECONDS
from tests.chassis.conftest import Echo
from tests.chassis.echo_contract import DO
from tests.support.servers import broker_connection, eventually

pytestmark = pytest.mark.servers

EVENTS = 1000
UNSENT = "SELECT 1 FROM outbox WHERE sent_at IS NULL"


def _call_without_waiting(echo: Echo, texts: list[str]) -> None:
    with closing(broker_connection(echo.settings.amqp_url)) as connection:
        channel = connection.channel()
        for text in texts:
            body = json.dumps({"args": [], "kwargs": {"text": text}})
            headers = {"key": text, "scope": "me", "fingerprint": text}  # a redelivered call has one effect
            message = amqp.Message(
                body,
                reply_to="reply.nobody",
                correlation_id="c",
                application_headers={f"nameko.idempotency_{name}": value for name, value in headers.items()},
            )
            channel.basic_publish(message, topology.rpc_exchange(echo.settings), DO.routing_key)


def _counted(echo: Echo, metric: str) -> float:
    lines = [line for line in echo.metrics().splitlines() if line.startswith(metric)]
    return sum(float(line.rpartition(" ")[2]) for line in lines)


def test_a_thousand_events_under_load_are_published_once_each_and_marked_in_batches(echo: Echo) -> None:
    echo.stop()
    echo.start(RELAY_INTERVAL_SECONDS="1")
    texts = [str(number) for number in range(EVENTS)]
    _call_without_waiting(echo, texts)
    eventually(lambda: len(echo.rows("SELECT 1 FROM inbox")) == EVENTS, 240, "all are handled")
    eventually(lambda: not echo.rows(UNSENT), what="all are marked")
    assert sorted(echo.notes()) == sorted(f"{done} {text}" for done in ("done", "handled") for text in texts)
    assert _counted(echo, "microtasks_events_published_total{") == EVENTS
    assert _counted(echo, 'microtasks_events_total{consumer="echo.thing_done",outcome="duplicate"') == 0
    query = "SELECT count(DISTINCT sent_at), extract(epoch FROM max(sent_at) - min(sent_at)) FROM outbox"
    ((marks, seconds),) = echo.rows(query)
    assert marks <= 1 + EVENTS / BATCH + float(seconds) / (BATCH_SECONDS / 2)


@pytest.mark.parametrize("point", ["outbox.committed", "outbox.published", "outbox.confirmed"])
def test_an_event_of_a_process_that_is_killed_takes_effect_once(echo: Echo, point: str) -> None:
    echo.stop()
    echo.start(FAIL_POINT=point)
    _call_without_waiting(echo, ["a"])
    assert echo.ended() == -signal.SIGKILL
    assert len(echo.rows(UNSENT)) == 1
    echo.start()
    eventually(lambda: not echo.rows(UNSENT), what="the next process publishes it")
    eventually(lambda: "handled a" in echo.notes())
    echo.publish_event(json.dumps({**_body(), "text": "last"}))
    eventually(lambda: "handled last" in echo.notes())
    assert sorted(echo.notes()) == ["done a", "handled a", "handled last"]


def test_rows_of_another_process_are_taken_over_after_their_age(echo: Echo) -> None:
    echo.stop()
    echo.start(RELAY_INTERVAL_SECONDS="1")
    body = json.dumps({**_body(), "text": "orphan"})
    insert = sa.text("INSERT INTO outbox (event_id, type, body) VALUES (:id, 'thing_done', :body)")
    echo.db.write(lambda c: c.execute(insert, {"id": json.loads(body)["event_id"], "body": body}))
    eventually(lambda: "handled orphan" in echo.notes())
    eventually(lambda: not echo.rows(UNSENT))
    assert echo.rows("SELECT 1 FROM outbox WHERE sent_at >= created_at + interval '1 second'")


def test_a_stopping_process_leaves_nothing_unsent(echo: Echo) -> None:
    echo.stop()
    echo.start(RELAY_INTERVAL_SECONDS="3600")
    _call_without_waiting(echo, [str(number) for number in range(50)])
    eventually(lambda: len(echo.rows("SELECT 1 FROM outbox")) == 50)
    assert echo.stop() == 0
    assert echo.rows(UNSENT) == []


class Reading:
    """A reader of the table whose publishing is up to the test."""

    def __init__(self, db: Db, held: set[int]) -> None:
        self.published: list[int] = []
        self.confirms_all = True
        self.is_ready = True
        self.reader = OutboxReader(lambda: db, self, self._publish, held)  # type: ignore[arg-type]

    def reset_if_late(self) -> None: ...

    def _publish(self, event: RecordedEvent, settle: Any) -> None:
        self.published.append(event.id)
        settle(event, self.confirms_all)


def _body() -> dict[str, Any]:
    return {"event_id": str(uuid.uuid4()), "version": 1, "occurred_at": "2026-01-01T00:00:00Z"}


def _insert(db: Db, number: int) -> list[int]:
    insert = sa.text(
        "INSERT INTO outbox (event_id, type, body) VALUES (:id, 'thing_done', '{}') RETURNING id"
    )
    return db.write(lambda c: [c.execute(insert, {"id": uuid.uuid4()}).scalar_one() for _ in range(number)])


def test_the_table_is_read_in_batches_without_what_the_process_holds(
    db: Db, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_reader, "BATCH", 10)
    ids = _insert(db, 25)
    reading = Reading(db, held=set(ids[5:15]))
    reading.reader.read(age_seconds=0)
    assert reading.published == ids[:5] + ids[15:]
    reading.reader.read(age_seconds=0)
    assert len(reading.published) == 15


def test_events_the_broker_does_not_confirm_stay_unsent_and_are_tried_once_a_look(
    db: Db, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_reader, "BATCH", 10)
    ids = _insert(db, 25)
    reading = Reading(db, held=set())
    reading.confirms_all = False
    for looks in (1, 2):
        reading.reader.read(age_seconds=0)
        assert reading.published == ids * looks
    assert len(db.read(lambda c: c.execute(sa.text(UNSENT)).all())) == 25


def test_young_rows_and_rows_that_another_process_publishes_are_left_alone(db: Db) -> None:
    first, second = _insert(db, 2)
    reading = Reading(db, held=set())
    reading.reader.read(age_seconds=3600)
    assert reading.published == []

    def locked(connection: sa.Connection) -> None:
        connection.execute(sa.text("SELECT 1 FROM outbox WHERE id = :id FOR UPDATE"), {"id": first})
        reading.reader.read(age_seconds=0)

    db.write(locked)
    assert reading.published == [second]
