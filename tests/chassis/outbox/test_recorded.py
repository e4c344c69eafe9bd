"""What a commit hands to the relay: exactly the events of its transaction that were committed."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, select, text

from chassis.storage import outbox
from chassis.storage.database import Db, make_engine
from chassis.storage.recorded import RecordedEvent
from chassis.storage.tables import OUTBOX
from kit.settings import Settings
from tests.chassis.echo_contract import THING_DONE

pytestmark = pytest.mark.servers


class Recording:
    """A database whose hand-overs are kept, each as a list of texts."""

    def __init__(self, settings: Settings) -> None:
        self.engine = make_engine(settings, "echo")
        self.db = Db(self.engine, self._publish)
        self.handed_over: list[list[RecordedEvent]] = []

    def _publish(self, events: list[RecordedEvent]) -> None:
        self.handed_over.append(list(events))

    @property
    def texts(self) -> list[list[str]]:
        return [[event.body["text"] for event in events] for events in self.handed_over]

    @property
    def stored(self) -> list[RecordedEvent]:
        columns = [OUTBOX.c[name] for name in RecordedEvent.__slots__]
        rows = self.db.read(lambda c: c.execute(select(*columns).order_by(OUTBOX.c.id)).all())
        return [RecordedEvent(*row) for row in rows]


@pytest.fixture
def recording(echo_settings: Settings) -> Iterator[Recording]:
    recording = Recording(echo_settings)
    yield recording
    recording.engine.dispose()


def _record(connection: Connection, *texts: str) -> None:
    for text_ in texts:
        outbox.record(connection, THING_DONE, text=text_)


def test_a_commit_hands_over_its_rows_as_they_are_stored(recording: Recording) -> None:
    recording.db.write(lambda c: _record(c, "a"))
    rows = [outbox.row(THING_DONE, text=text_) for text_ in ("b", "c", "d")]
    recording.db.write(lambda c: outbox.record_rows(c, rows))
    recording.db.write(lambda c: c.execute(text("SELECT 1")))
    assert [len(events) for events in recording.handed_over] == [1, 3]
    handed_over = [event for events in recording.handed_over for event in events]
    assert sorted(handed_over, key=lambda event: event.id) == recording.stored


def test_a_transaction_that_is_rolled_back_hands_over_nothing(recording: Recording) -> None:
    def fails(connection: Connection) -> None:
        _record(connection, "a")
        raise ValueError("refused")

    with pytest.raises(ValueError, match="refused"):
        recording.db.write(fails)
    recording.db.write(lambda c: _record(c, "b"))
    assert recording.texts == [["b"]]


def _savepoint(connection: Connection, *texts: str, fails: bool) -> None:
    with connection.begin_nested():
        _record(connection, *texts)
        if fails:
            raise ValueError("refused")


def _outer_savepoint(connection: Connection) -> None:
    with connection.begin_nested():
        _savepoint(connection, "released inside", fails=False)
        raise ValueError("refused")


def test_events_of_a_savepoint_that_is_rolled_back_are_not_handed_over(recording: Recording) -> None:
    def effect(connection: Connection) -> None:
        _record(connection, "before")
        with pytest.raises(ValueError, match="refused"):
            _savepoint(connection, "lost", "lost too", fails=True)
        _savepoint(connection, "kept", fails=False)
        with pytest.raises(ValueError, match="refused"):
            _outer_savepoint(connection)
        _record(connection, "after")

    for _ in range(2):  # the second one uses the same pooled connection
        recording.db.write(effect)
    assert recording.texts == [["before", "kept", "after"]] * 2
    assert [event.body["text"] for event in recording.stored] == ["before", "kept", "after"] * 2


def test_an_effect_that_runs_again_hands_over_only_what_was_committed(recording: Recording) -> None:
    runs = 0

    def effect(connection: Connection) -> None:
        nonlocal runs
        runs += 1
        _record(connection, f"run {runs}")
        if runs == 1:  # the server ends the connection, as a restart of it does
            connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    recording.db.write(effect)
    assert recording.texts == [["run 2"]]
    assert [event.body["text"] for event in recording.stored] == ["run 2"]


def test_a_row_of_a_statement_of_its_own_is_handed_over_under_its_id(recording: Recording) -> None:
    event = outbox.row(THING_DONE, text="own")

    def effect(connection: Connection) -> None:
        inserted = connection.execute(OUTBOX.insert().values(event).returning(OUTBOX.c.id))
        outbox.mark(connection, event, inserted.scalar_one())

    recording.db.write(effect)
    assert recording.handed_over == [recording.stored]
