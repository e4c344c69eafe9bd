"""An operator's desk: the commands on databases and a broker of one's own, and a look behind them."""

import json
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import Any

import amqp
import sqlalchemy as sa
from click.testing import CliRunner, Result

from chassis.amqp import topology
from chassis.storage.database import make_engine
from chassis.storage.tables import FAILED_EVENTS, INBOX, OUTBOX
from cli.commands.main import microtasks
from kit.contracts import Event
from kit.settings import Settings
from kit.validation import rfc3339
from services.orders.contract import ORDER_STATUS_CHANGED
from services.registry import NAMES, all_events
from tests.support.codebase import ROOT
from tests.support.servers import broker_connection, eventually

OPERATOR = "Olive"
CONSUMER = "orders.order_status_changed"
STUCK = ("outbox", "inbox", "failed_events", "operator_acts")
NOW = datetime.now(UTC)


class Desk:
    """No service runs; a test says what is in databases and queues."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._engines = {name: make_engine(settings, name) for name in NAMES}
        self.queues = list(topology.queue_names(settings, NAMES, all_events()))

    def clear(self) -> None:
        """Nothing waits anywhere."""
        for name in NAMES:
            self.execute(name, "; ".join(f"DELETE FROM {table}" for table in STUCK))
        with self.channel() as channel:
            for queue in self.queues:
                if channel.queue_declare(queue, passive=True).message_count:
                    channel.queue_purge(queue)

    def close(self) -> None:
        for engine in self._engines.values():
            engine.dispose()

    def run(self, *words: str) -> Result:
        """Runs a command; whatever it meets, it must not leave a traceback."""
        result = CliRunner().invoke(microtasks, words)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    def ask(self, *words: str, exit_code: int = 0) -> Any:
        """What a command says to a program."""
        result = self.run(*words, "--json")
        assert result.exit_code == exit_code, result.output
        return json.loads(result.stdout)

    def rows(self, service: str, sql: str, **values: Any) -> list[Any]:
        with self._engines[service].connect() as connection:
            return list(connection.execute(sa.text(sql), values))

    def execute(self, service: str, sql: str | sa.Executable, **values: Any) -> None:
        with self._engines[service].begin() as connection:
            connection.execute(sa.text(sql) if isinstance(sql, str) else sql, values)

    @contextmanager
    def transaction(self, service: str) -> Iterator[sa.Connection]:
        with self._engines[service].begin() as connection:
            yield connection

    def acts(self, service: str) -> list[Any]:
        """What was recorded, oldest first."""
        return self.rows(service, "SELECT * FROM operator_acts ORDER BY id")

    def fail(self, service: str, event_id: str | None = None, **columns: Any) -> str:
        """An event that failed at a service; its id."""
        event_id = event_id or str(uuid.uuid4())
        row = {
            "consumer": CONSUMER,
            "event_id": event_id,
            "type": ORDER_STATUS_CHANGED.type,
            "body": {"event_id": event_id, "says": "zażółć"},
            "attempts": 3,
            "error": "KeyError: 'price'\nand more",
            "next_try_at": NOW,
            **columns,
        }
        self.execute(service, sa.insert(FAILED_EVENTS).values(row))
        return event_id

    def send(self, *taken_by: str, event: Event = ORDER_STATUS_CHANGED, **columns: Any) -> str:
        """An event in its owner's outbox, sent, and taken by some; its id."""
        event_id = str(uuid.uuid4())
        row = {"event_id": event_id, "type": event.type, "body": {}, "sent_at": NOW, **columns}
        self.execute(event.owner, sa.insert(OUTBOX).values(row))
        for name in taken_by:
            taken = {"consumer": f"{event.owner}.{event.type}", "event_id": event_id}
            self.execute(name, sa.insert(INBOX).values(taken))
        return event_id

    def unsent(self, owner: str = "orders") -> set[str]:
        """The ids of the events that the relay would publish."""
        return {r[0] for r in self.rows(owner, "SELECT event_id::text FROM outbox WHERE sent_at IS NULL")}

    @contextmanager
    def channel(self) -> Iterator[Any]:
        with closing(broker_connection(self.settings.amqp_url)) as connection:
            yield connection.channel()

    def event_queue(self, consumer: str, event: Event = ORDER_STATUS_CHANGED) -> str:
        return topology.event_queue(self.settings, event, consumer)

    def reject(self, consumer: str, *bodies: str | bytes, **properties: Any) -> None:
        """Events that a consumer refuses, as it does with what it cannot read."""
        queue, dead = self.event_queue(consumer), topology.dead_letter_queue(self.settings, consumer)
        with self.channel() as channel:
            before = channel.queue_declare(dead, passive=True).message_count
            for body in bodies:
                message = amqp.Message(body, delivery_mode=2, content_encoding="utf-8", **properties)
                channel.basic_publish(message, routing_key=queue)
                channel.basic_reject(_next_in(channel, queue).delivery_tag, requeue=False)
            arrived = before + len(bodies)
            eventually(lambda: channel.queue_declare(dead, passive=True).message_count == arrived)

    def waiting(self, queue: str) -> list[str]:
        """The bodies in a queue; they are taken out."""
        with self.channel() as channel:
            bodies = []
            while (message := channel.basic_get(queue, no_ack=True)) is not None:
                bodies.append(message.body if isinstance(message.body, str) else message.body.decode())
        return bodies


def _next_in(channel: Any, queue: str) -> Any:
    found: list[Any] = []

    def is_there() -> bool:
        found.append(channel.basic_get(queue))
        return found[-1] is not None

    eventually(is_there)
    return found[-1]


def readable(**fields: Any) -> str:
    """An event of a completed order that this release takes, with an id of its own."""
    samples = json.loads((ROOT / "tests" / "contracts" / "samples" / "order_status_changed.json").read_text())
    event = next(sample for sample in samples if sample["to_status"] == 4)
    return json.dumps({**event, "event_id": str(uuid.uuid4()), "order_id": str(uuid.uuid4()), **fields})


def event_body(**fields: Any) -> str:
    """An event that is none: it lacks what its contract asks for."""
    own = {"event_id": str(uuid.uuid4()), "version": 1, "occurred_at": rfc3339(NOW)}
    return json.dumps({**own, **fields})
