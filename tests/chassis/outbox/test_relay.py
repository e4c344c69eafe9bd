import uuid
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection

from chassis.amqp.relay import BATCH, Confirms, RelayWorker
from chassis.storage.database import Db
from kit.errors import Unavailable
from kit.settings import Settings, load

EVENT = SimpleNamespace(type="thing_done", body={}, context={}, event_id="id")


class Channel:
    """A channel on which the test is the broker."""

    def __init__(self) -> None:
        self.events: dict[str, set[Callable[..., None]]] = {
            name: set() for name in ("basic_ack", "basic_nack", "basic_return")
        }

    def confirm_select(self) -> None: ...

    def confirm(self, tag: int) -> None:
        """Settles everything up to a tag."""
        for listener in self.events["basic_ack"]:
            listener(tag, True)


class FakeConnection:
    """A connection that the test opens and loses."""

    def __init__(self) -> None:
        self.connect: Callable[[Channel], None]
        self.disconnect: Callable[[], None]
        self.accepts = True

    def on_connect(self, callback: Callable[[Channel], None]) -> None:
        self.connect = callback

    def on_disconnect(self, callback: Callable[[], None]) -> None:
        self.disconnect = callback

    def publish(self, *_: Any, **__: Any) -> None:
        if not self.accepts:
            raise Unavailable("The message broker is not accepting messages.")

    def reset(self) -> None:
        self.disconnect()


def _connected() -> tuple[FakeConnection, Any, Channel]:
    connection, channel = FakeConnection(), Channel()
    confirms = Confirms(connection)  # type: ignore[arg-type]
    connection.connect(channel)
    confirms.start_batch()
    return connection, confirms, channel


def test_a_batch_that_outlives_its_connection_is_not_taken_for_confirmed() -> None:
    connection, confirms, _ = _connected()
    confirms.publish("exchange", EVENT.type, EVENT, True)
    connection.disconnect()
    again = Channel()
    connection.connect(again)
    confirms.publish("exchange", EVENT.type, EVENT, True)
    again.confirm(1)
    with pytest.raises(Unavailable):
        confirms.wait()
    confirms.start_batch()
    assert confirms.publish("exchange", EVENT.type, EVENT, True) == 2
    again.confirm(2)
    confirms.wait()


def test_a_message_the_broker_would_not_take_does_not_count() -> None:
    connection, confirms, channel = _connected()
    connection.accepts = False
    with pytest.raises(Unavailable):
        confirms.publish("exchange", EVENT.type, EVENT, True)
    connection.accepts = True
    confirms.start_batch()
    tag = confirms.publish("exchange", EVENT.type, EVENT, True)
    channel.confirm(1)
    confirms.wait()
    assert tag == 1
    assert confirms.is_confirmed(tag, EVENT.event_id)


@pytest.mark.servers
def test_events_the_broker_does_not_take_hold_up_nobody_and_are_tried_once_a_look(db: Db) -> None:
    rows = 2 * BATCH + 1
    insert = sa.text("INSERT INTO outbox (event_id, type, body) VALUES (:id, 'thing_done', '{}')")
    db.write(lambda c: c.execute(insert, [{"id": str(uuid.uuid4())} for _ in range(rows)]))
    tried: list[int] = []

    def refused(_: Connection, batch: Sequence[Any]) -> None:
        assert len(tried) < rows
        tried.extend(row.id for row in batch)

    worker = RelayWorker()
    worker.__dict__.update(
        amqp=SimpleNamespace(is_ready=True), _database=SimpleNamespace(db=db), _publish=refused
    )
    worker._drain()
    assert len(set(tried)) == len(tried) == rows


def test_what_is_recorded_during_the_last_look_but_one_still_goes_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worker, looks = RelayWorker(), 0
    worker.container = SimpleNamespace(service_name="echo")
    worker.settings = load(Settings, relay_interval_seconds=0.1)

    def look() -> None:
        nonlocal looks
        looks += 1
        if looks == 1:  # the last call ends, and the process with it, while older rows are published
            worker._stopping = True
            worker.wake()

    monkeypatch.setattr(worker, "_drain", look)
    monkeypatch.setattr(worker, "_purge", lambda: True)
    worker._run()
    assert looks == 2
