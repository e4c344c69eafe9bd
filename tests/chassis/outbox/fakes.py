"""A broker and a database of which the tests are the other side, and a relay between them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from types import SimpleNamespace
from typing import Any

import eventlet

from chassis.amqp.relay import RelayWorker
from chassis.storage.database import Database
from chassis.storage.recorded import RecordedEvent
from kit.errors import Unavailable
from kit.settings import Settings, load
from tests.chassis.echo_contract import THING_DONE

_numbers = count(1)
Channel = SimpleNamespace


def event() -> RecordedEvent:
    """A row of the outbox that a transaction has just committed."""
    number = next(_numbers)
    return RecordedEvent(number, f"event {number}", THING_DONE.type, {"text": "a"}, {})


class FakeBroker:
    """A connection that the test opens and loses, and its channel."""

    def __init__(self) -> None:
        self.is_ready = False
        self.published: list[str] = []  # of the current connection, by event id
        self.all_published: list[str] = []
        self.resets = 0
        self._events: dict[str, set[Callable[..., None]]] = {}
        self._on_connect: list[Callable[[Any], None]] = []
        self._on_disconnect: list[Callable[[], None]] = []

    def on_connect(self, callback: Callable[[Any], None]) -> None:
        self._on_connect.append(callback)

    def on_disconnect(self, callback: Callable[[], None]) -> None:
        self._on_disconnect.append(callback)

    def run(self) -> None:
        """The loop of a connection, which has nothing to read here."""

    def stop(self) -> None:
        self.disconnect()

    def publish(self, *_: Any, message_id: str, **__: Any) -> None:
        if not self.is_ready:
            raise Unavailable("The message broker is not accepting messages.")
        self.published.append(message_id)
        self.all_published.append(message_id)

    def connect(self) -> None:
        self._events = {name: set() for name in ("basic_ack", "basic_nack", "basic_return")}
        for callback in self._on_connect:
            callback(SimpleNamespace(events=self._events, confirm_select=lambda: None))
        self.published, self.is_ready = [], True

    def disconnect(self) -> None:
        self.is_ready = False
        for callback in self._on_disconnect:
            callback()

    def reset(self) -> None:
        self.resets += 1
        self.disconnect()

    def confirm(self, tag: int | None = None) -> None:
        """Confirms one message, or every one so far."""
        for callback in self._events["basic_ack"]:
            callback(len(self.published) if tag is None else tag, tag is None)

    def refuse(self, tag: int) -> None:
        for callback in self._events["basic_nack"]:
            callback(tag, False)

    def give_back(self, tag: int) -> None:
        """Says that there is no queue for a message."""
        message = SimpleNamespace(properties={"message_id": self.published[tag - 1]})
        for callback in self._events["basic_return"]:
            callback(None, "events", THING_DONE.type, message)


class FakeDatabase:
    """Counts what is marked, and finds nothing in its outbox."""

    def __init__(self) -> None:
        self.marked: list[list[int]] = []
        self.accepts = True

    def write(self, effect: Callable[[Any], Any]) -> Any:
        if not self.accepts:
            raise Unavailable("The database is unavailable.")
        return effect(self)

    def execute(self, _statement: Any, parameters: dict[str, Any]) -> Any:
        if "ids" in parameters:
            self.marked.append(parameters["ids"])
        return []


class Relaying:
    """A relay that is connected to both."""

    def __init__(self, **settings: Any) -> None:
        self.broker, self.database = FakeBroker(), FakeDatabase()
        self.worker = RelayWorker()
        provider = Database()
        provider.db = self.database  # type: ignore[assignment]
        self.threads: list[Any] = []
        self.worker.container = SimpleNamespace(
            service_name="echo",
            config={"settings": load(Settings, **settings), "events": [THING_DONE]},
            dependencies=[provider],
            spawn_managed_thread=self._spawn,
        )
        self.worker.__dict__["amqp"] = self.broker
        self.worker.setup()
        self.worker.start()
        self.broker.connect()

    def _spawn(self, run: Callable[[], None], identifier: str) -> Any:
        self.threads.append(eventlet.spawn(run))
        return self.threads[-1]

    @property
    def held(self) -> set[int]:
        """Ids of the events in memory."""
        return self.worker._held

    @property
    def marked(self) -> set[int]:
        return {id_ for ids in self.database.marked for id_ in ids}

    def accept(self, number: int = 1) -> list[RecordedEvent]:
        """A transaction commits so many events."""
        events = [event() for _ in range(number)]
        self.worker.accept(events)
        return events


@contextmanager
def relaying(**settings: Any) -> Iterator[Relaying]:
    """A running relay, for a block."""
    relay = Relaying(**settings)
    try:
        yield relay
    finally:
        for thread in relay.threads:
            thread.kill()


def wait_until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Lets the relay run until a condition holds."""
    with eventlet.Timeout(seconds):
        while not condition():
            eventlet.sleep(0.005)
