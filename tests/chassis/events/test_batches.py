"""What waits in a queue is one transaction; what fails in it is processed one by one."""

import json
import signal
import threading
import uuid
from collections import Counter
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
import structlog

from chassis.amqp.connection import Delivery
from chassis.amqp.event_queue import BATCH, EventQueue
from chassis.amqp.event_work import Work
from chassis.runtime.context import CallContext
from chassis.storage import outbox
from chassis.storage.database import Db
from kit import metrics
from kit.settings import Settings
from tests.chassis import echo_contract as contract
from tests.chassis.conftest import Echo
from tests.support.servers import eventually

pytestmark = pytest.mark.servers

CONSUMER = "echo.thing_done"


def event_text(text: str, event_id: str | None = None) -> str:
    return json.dumps(
        {
            "event_id": event_id or str(uuid.uuid4()),
            "version": 1,
            "occurred_at": "2026-01-01T00:00:00Z",
            "text": text,
        }
    )


class Broker:
    """What an `AmqpConnection` is to a queue; remembers how each delivery was settled."""

    def __init__(self) -> None:
        self.acknowledged: list[int] = []
        self.rejected: list[int] = []
        self.given_back: list[int] = []
        self.lost: set[int] = set()
        self.on_ack: Callable[[], None] = lambda: None

    def ack(self, delivery: Any) -> None:
        self.on_ack()
        self.acknowledged.append(delivery.delivery_tag)

    def reject(self, delivery: Any) -> None:
        self.rejected.append(delivery.delivery_tag)

    def requeue(self, delivery: Any) -> None:
        self.given_back.append(delivery.delivery_tag)

    def can_settle(self, delivery: Any) -> bool:
        return delivery.delivery_tag not in self.lost


class Consumer:
    """A queue whose workers run when the test says so."""

    def __init__(self, db: Db, settings: Settings, handle: Callable[[sa.Connection, Any], None]) -> None:
        context = CallContext()
        context.container = SimpleNamespace(service_name="echo", config={"settings": settings})
        context.setup()
        self.db, self.broker = db, Broker()
        self.handled: list[str] = []
        self.workers: list[tuple[Work, Callable[[BaseException | None], None]]] = []
        self._handle = handle
        self.queue = EventQueue(
            CONSUMER,
            contract.THING_DONE,
            settings,
            self.broker,  # type: ignore[arg-type]
            context.call_from,
            lambda work, ended: self.workers.append((work, ended)),
        )
        self._tag = 0

    def deliver(
        self, text: str, event_id: str | None = None, redelivered: bool = False, body: str | None = None
    ) -> int:
        self._tag += 1
        delivery = Delivery(
            channel=None,
            delivery_tag=self._tag,
            redelivered=redelivered,
            routing_key="",
            properties={},
            headers={"nameko.request_id": f"request of {text}"},
            body=event_text(text, event_id) if body is None else body,
        )
        self.queue.receive(delivery)
        return self._tag

    def work(self) -> None:
        """Runs one worker to its end."""
        work, ended = self.workers.pop(0)

        def handle(connection: sa.Connection, event: dict[str, Any]) -> None:
            self._handle(connection, event)
            self.handled.append(event["text"])

        try:
            work.run(self.db, handle)
        except Exception as error:
            ended(error)
        else:
            ended(None)

    def work_all(self) -> None:
        while self.workers:
            self.work()


def note(connection: sa.Connection, event: Any) -> None:
    connection.execute(sa.text("INSERT INTO notes (text) VALUES (:text)"), {"text": event["text"]})


def note_unless_poison(connection: sa.Connection, event: Any) -> None:
    note(connection, event)
    if event["text"].startswith("poison"):
        connection.execute(sa.text("SELECT 1 / 0"))


@pytest.fixture(name="consumer")
def _consumer(db: Db, echo_settings: Settings) -> Consumer:
    return Consumer(db, echo_settings, note_unless_poison)


def rows(db: Db, sql: str) -> list[Any]:
    return db.read(lambda c: list(c.execute(sa.text(sql)).all()))


def notes(db: Db) -> list[str]:
    return [row.text for row in rows(db, "SELECT text FROM notes ORDER BY id")]


class Statements:
    """The statements and commits of a database while a test runs."""

    def __init__(self, db: Db) -> None:
        self.texts: list[str] = []
        self.commits = 0
        sa.event.listen(db._engine, "before_cursor_execute", self._on_statement)
        sa.event.listen(db._engine, "commit", self._on_commit)

    def _on_statement(self, _connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        self.texts.append(statement.strip())

    def _on_commit(self, _connection: Any) -> None:
        self.commits += 1

    def count(self, beginning: str) -> int:
        return sum(text.startswith(beginning) for text in self.texts)


def handled_metric(outcome: str) -> float:
    return float(metrics.EVENTS_HANDLED.labels(CONSUMER, outcome)._value.get())


def test_fifty_waiting_events_are_one_transaction_and_one_insert_into_the_inbox(consumer: Consumer) -> None:
    statements = Statements(consumer.db)
    before = handled_metric("handled")
    tags = [consumer.deliver(f"{number}") for number in range(BATCH)]
    commits_before_ack: list[int] = []
    consumer.broker.on_ack = lambda: commits_before_ack.append(statements.commits)
    consumer.work()
    assert consumer.handled == [f"{number}" for number in range(BATCH)], "in the order of their delivery"
    assert (statements.commits, statements.count("INSERT INTO inbox")) == (1, 1)
    assert len(statements.texts) == 1 + BATCH
    assert (consumer.broker.acknowledged, consumer.workers) == (tags, [])
    assert set(commits_before_ack) == {1}
    assert handled_metric("handled") - before == BATCH


def test_a_lone_event_is_taken_at_once_in_one_transaction(consumer: Consumer) -> None:
    statements = Statements(consumer.db)
    consumer.deliver("alone")
    assert len(consumer.workers) == 1, "nothing more is waited for"
    consumer.work()
    assert (statements.commits, len(statements.texts), notes(consumer.db)) == (1, 2, ["alone"])
    assert consumer.broker.acknowledged == [1]


def test_what_arrives_meanwhile_is_the_next_batch_and_a_batch_has_its_limit(
    db: Db, echo_settings: Settings
) -> None:
    def handle(_connection: sa.Connection, event: Any) -> None:
        if event["text"] == "first":
            for number in range(BATCH + 1):
                consumer.deliver(f"{number}")
            assert not consumer.workers, "one batch at a time"

    consumer = Consumer(db, echo_settings, handle)
    statements = Statements(db)
    consumer.deliver("first")
    for handled in (1, 1 + BATCH, 1 + BATCH + 1):
        assert len(consumer.workers) == 1
        consumer.work()
        assert len(consumer.handled) == len(consumer.broker.acknowledged) == handled
    assert not consumer.workers
    assert statements.commits == 3


def test_an_event_that_is_in_a_batch_twice_takes_effect_once(consumer: Consumer) -> None:
    event_id = str(uuid.uuid4())
    consumer.deliver("known", event_id)
    consumer.work()
    fresh = str(uuid.uuid4())
    for text, id_ in [("a", None), ("twice", fresh), ("known", event_id), ("twice", fresh), ("b", None)]:
        consumer.deliver(text, id_)
    duplicates = handled_metric("duplicate")
    consumer.work()
    assert notes(consumer.db) == ["known", "a", "twice", "b"]
    assert consumer.broker.acknowledged == [1, 2, 3, 4, 5, 6]
    assert handled_metric("duplicate") - duplicates == 2


def test_a_poison_event_neither_stops_nor_repeats_the_others_of_its_batch(consumer: Consumer) -> None:
    for text in ("a", "b", "poison 1", "c", "poison 2", "d"):
        consumer.deliver(text)
    consumer.work()
    assert (notes(consumer.db), consumer.broker.acknowledged) == ([], []), "all or nothing"
    assert len(consumer.workers) == consumer.queue._settings.event_workers
    consumer.work_all()
    assert notes(consumer.db) == ["a", "b", "c", "d"]
    assert len(rows(consumer.db, "SELECT 1 FROM failed_events WHERE attempts = 1")) == 2
    assert sorted(consumer.broker.acknowledged) == [1, 2, 3, 4, 5, 6]

    statements = Statements(consumer.db)
    for text in ("e", "f", "g"):
        consumer.deliver(text)
    consumer.work()
    assert statements.commits == 1, "the next batch is one again"
    assert notes(consumer.db) == ["a", "b", "c", "d", "e", "f", "g"]


def test_an_event_that_nobody_can_read_never_joins_a_batch(consumer: Consumer) -> None:
    statements = Statements(consumer.db)
    consumer.deliver("a")
    unreadable = consumer.deliver("", body="{")
    consumer.deliver("b")
    assert consumer.broker.rejected == [unreadable]
    consumer.work()
    assert (statements.commits, notes(consumer.db)) == (1, ["a", "b"])


def test_what_was_delivered_before_goes_alone_since_it_may_have_crashed_a_process(consumer: Consumer) -> None:
    consumer.deliver("a")
    consumer.deliver("again", redelivered=True)
    consumer.deliver("b")
    batch, alone = consumer.workers
    consumer.workers = [alone]
    consumer.work()
    assert (notes(consumer.db), consumer.broker.acknowledged) == (["again"], [2])
    consumer.workers = [batch]
    consumer.work()
    assert notes(consumer.db) == ["again", "a", "b"]


def test_deliveries_of_a_lost_connection_are_left_to_their_next_delivery(consumer: Consumer) -> None:
    for text in ("a", "b", "c"):
        consumer.deliver(text)
    consumer.broker.lost = {1, 2, 3}
    consumer.work()
    assert (consumer.handled, consumer.broker.acknowledged) == ([], [])
    consumer.deliver("d")
    consumer.work()
    assert (consumer.handled, consumer.broker.acknowledged) == (["d"], [4]), "the queue goes on"


def test_a_stopping_process_finishes_its_batch_and_gives_back_what_waits(
    db: Db, echo_settings: Settings
) -> None:
    def handle(connection: sa.Connection, event: Any) -> None:
        note(connection, event)
        if event["text"] == "first":
            consumer.deliver("waits")
            consumer.queue.stop()

    consumer = Consumer(db, echo_settings, handle)
    consumer.deliver("first")
    consumer.deliver("second")
    consumer.work()
    assert notes(db) == ["first", "second"]
    assert (consumer.broker.acknowledged, consumer.broker.given_back) == ([1, 2], [3])
    assert not consumer.workers


def test_a_batch_that_fails_while_the_process_stops_is_given_back(db: Db, echo_settings: Settings) -> None:
    def handle(_connection: sa.Connection, _event: Any) -> None:
        consumer.queue.stop()
        raise ValueError("not now")

    consumer = Consumer(db, echo_settings, handle)
    consumer.deliver("a")
    consumer.deliver("b")
    consumer.work()
    assert (consumer.broker.given_back, consumer.broker.acknowledged) == ([1, 2], [])
    assert not consumer.workers
    assert not rows(db, "SELECT 1 FROM failed_events")


def test_each_event_of_a_batch_is_handled_in_the_context_of_its_own_request(
    db: Db, echo_settings: Settings
) -> None:
    logged: dict[str, Any] = {}

    def handle(connection: sa.Connection, event: Any) -> None:
        logged[event["text"]] = structlog.contextvars.get_contextvars()["request_id"]
        outbox.record(connection, contract.THING_DONE, text=event["text"])

    consumer = Consumer(db, echo_settings, handle)
    texts = ["a", "b", "c"]
    for text in texts:
        consumer.deliver(text)
    consumer.work()
    own = {text: f"request of {text}" for text in texts}
    recorded = rows(db, "SELECT body->>'text', context->>'request_id', context->>'traceparent' FROM outbox")
    assert logged == own
    assert {text: request_id for text, request_id, _ in recorded} == own
    assert len({traceparent for _, _, traceparent in recorded}) == len(texts)


def test_batches_that_deadlock_both_take_effect_once(db: Db, echo_settings: Settings) -> None:
    """Two replicas lock the same two rows in opposite order; the database aborts one of them."""
    for row in ("x", "y"):
        db.write(partial(note, event={"text": row}))
    both_have_one = threading.Barrier(2)
    aborted = Counter[str]()

    def handle(connection: sa.Connection, event: Any) -> None:
        name, row, position = event["text"].split()
        try:
            connection.execute(
                sa.text("UPDATE notes SET text = text || :name WHERE text LIKE :row"),
                {"name": name, "row": f"{row}%"},
            )
        except sa.exc.OperationalError as error:
            aborted[type(error.orig).__name__] += 1
            raise
        if position == "first" and not aborted and not both_have_one.broken:
            both_have_one.wait(10)

    replicas = [Consumer(db, echo_settings, handle) for _ in range(2)]
    for replica, name, order in zip(replicas, "12", ("xy", "yx"), strict=True):
        replica.deliver(f"{name} {order[0]} first")
        replica.deliver(f"{name} {order[1]} second")
    workers = [threading.Thread(target=replica.work_all) for replica in replicas]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert aborted["DeadlockDetected"] >= 1
    assert {text[0]: Counter(text[1:]) for text in notes(db)} == {
        "x": Counter("12"),
        "y": Counter("12"),
    }
    assert [replica.broker.acknowledged for replica in replicas] == [[1, 2], [1, 2]]
    assert not rows(db, "SELECT 1 FROM failed_events")


@pytest.mark.parametrize("point", ["batch.midway", "event.handled", "event.committed"])
def test_events_of_a_batch_whose_process_dies_take_effect_once(echo: Echo, point: str) -> None:
    echo.stop()
    for number in range(BATCH):
        echo.publish_event(event_text(f"{number}"))
    echo.launch(FAIL_POINT=point, FAIL_POINT_PASSES="7" if point == "batch.midway" else "0")
    assert echo.ended() == -signal.SIGKILL
    assert len(echo.notes()) < BATCH or point == "event.committed"
    echo.start()
    eventually(lambda: len(echo.notes()) == BATCH, what="all are handled")
    echo.publish_event(event_text("last"))
    eventually(lambda: "handled last" in echo.notes())
    assert Counter(echo.notes()) == Counter(f"handled {name}" for name in [*range(BATCH), "last"])
    assert len(echo.rows("SELECT 1 FROM inbox")) == BATCH + 1
