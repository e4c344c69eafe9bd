"""Transactions on a real server: what is sent, and that no connection is ever left inside one."""

import contextlib
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import psycopg2
import pytest
import sqlalchemy as sa
from psycopg2 import extensions
from sqlalchemy.exc import InternalError, ProgrammingError

from chassis.storage.database import Db, make_engine
from chassis.storage.transactions import Session, session_of
from kit.errors import Unavailable
from kit.settings import Settings
from tests.counts.wire import Wire
from tests.support.codebase import ROOT

pytestmark = pytest.mark.servers

INSERT = sa.text("INSERT INTO notes (text) VALUES (:text)")
LOCK = sa.text("SELECT FROM notes WHERE text = :text FOR UPDATE")
FIRST = "INSERT INTO notes (text) VALUES (%s)"
COUNT = sa.text("SELECT count(*) FROM notes")
IDLE = extensions.TRANSACTION_STATUS_IDLE


class Client:
    """A database with one connection, and what was sent over it."""

    def __init__(self, engine: sa.Engine, wire: Wire) -> None:
        self.engine, self.db, self._wire = engine, Db(engine), wire
        self.db.read(lambda connection: connection.execute(sa.text("SELECT 'connected'")))

    def sent(self, work: Callable[[], Any]) -> list[str]:
        """Every message of a piece of work."""
        before = len(self._wire.queries)
        with contextlib.suppress(Exception):
            work()
        return self._wire.queries[before:]

    def count(self) -> int:
        """The committed notes."""
        found: int = self.db.read(lambda connection: connection.execute(COUNT).scalar_one())
        return found

    def session(self) -> Session:
        """The connection in the pool, as its next user gets it."""
        with self.engine.connect() as connection:
            return session_of(connection)

    def note(self, text: str = "one") -> None:
        """Writes a note in a transaction."""
        self.db.write(lambda connection: note(connection, text))


def note(connection: sa.Connection, text: str = "one") -> None:
    connection.execute(INSERT, {"text": text})


def fail(connection: sa.Connection) -> None:
    connection.execute(sa.text("SELECT 1 / 0"))


@pytest.fixture
def client(echo_settings: Settings) -> Iterator[Client]:
    with Wire(echo_settings.database_url) as wire:
        settings = replace(echo_settings, database_url=wire.url, database_pool_size=1)
        engine = make_engine(settings, "echo")
        client = Client(engine, wire)
        yield client
        session = client.session()
        assert session.closed or session.get_transaction_status() == IDLE
        assert not session.autocommits
        engine.dispose()


def test_a_read_is_one_message(client: Client) -> None:
    assert client.sent(client.count) == ["SELECT count(*) FROM notes"]


def test_begin_travels_with_the_first_statement(client: Client) -> None:
    def two(connection: sa.Connection) -> None:
        note(connection, "100 % of it")
        note(connection, "two")

    assert client.sent(lambda: client.db.write(two)) == [
        "BEGIN; INSERT INTO notes (text) VALUES ('100 % of it')",
        "INSERT INTO notes (text) VALUES ('two')",
        "COMMIT",
    ]
    assert client.count() == 2


def test_a_transaction_without_a_statement_sends_nothing(client: Client) -> None:
    assert client.sent(lambda: client.db.write(lambda connection: None)) == []


def test_an_effect_that_raises_leaves_nothing(client: Client) -> None:
    def interrupted(connection: sa.Connection) -> None:
        note(connection)
        raise LookupError

    assert client.sent(lambda: client.db.write(interrupted))[-1] == "ROLLBACK"
    assert client.count() == 0


@pytest.mark.parametrize("before", [0, 1])
def test_a_statement_that_fails_rolls_everything_back(client: Client, before: int) -> None:
    def failing(connection: sa.Connection) -> None:
        for _ in range(before):
            note(connection)
        fail(connection)

    assert client.sent(lambda: client.db.write(failing))[-1] == "ROLLBACK"
    assert client.count() == 0


def test_a_first_statement_that_the_server_cannot_read_begins_nothing(client: Client) -> None:
    with pytest.raises(ProgrammingError):
        client.db.write(lambda connection: connection.execute(sa.text("SELEC 1")))
    client.note()
    assert client.count() == 1


def test_a_transaction_in_which_a_statement_failed_is_never_reported_as_committed(client: Client) -> None:
    def unimpressed(connection: sa.Connection) -> None:
        note(connection)
        with contextlib.suppress(sa.exc.DBAPIError):
            fail(connection)

    with pytest.raises(InternalError, match="has failed"):
        client.db.write(unimpressed)
    assert client.count() == 0


@pytest.mark.parametrize("notes_before", [0, 1])
def test_a_savepoint_undoes_its_part_only(client: Client, notes_before: int) -> None:
    def partly(connection: sa.Connection) -> None:
        for _ in range(notes_before):
            note(connection)
        with contextlib.suppress(sa.exc.DBAPIError), connection.begin_nested():
            note(connection, "undone")
            fail(connection)
        with connection.begin_nested():
            note(connection, "kept")

    client.db.write(partly)
    assert client.count() == notes_before + 1


def test_many_rows_of_one_statement_are_one_transaction(client: Client) -> None:
    def many(connection: sa.Connection) -> None:
        connection.execute(INSERT, [{"text": "one"}, {"text": "two"}])
        raise LookupError

    assert client.sent(lambda: client.db.write(many))[0] == "BEGIN; "
    assert client.count() == 0


def test_a_result_can_be_read_in_parts(client: Client) -> None:
    client.note()

    def parts(connection: sa.Connection) -> list[int]:
        numbers = sa.text("SELECT n FROM generate_series(1, 100) AS n")
        rows = connection.execute(numbers, execution_options={"yield_per": 10})
        return [row.n for row in rows]

    assert client.db.write(parts) == list(range(1, 101))


def test_autocommit_and_transactions_alternate_on_one_connection(client: Client) -> None:
    for expected in (1, 2):
        client.note()
        assert client.count() == expected
        with client.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("VACUUM notes"))  # refused inside of a transaction
        with client.engine.begin() as connection:
            note(connection)
            connection.rollback()


def test_other_isolation_levels_are_refused_rather_than_ignored(client: Client) -> None:
    with pytest.raises(psycopg2.NotSupportedError):
        client.engine.connect().execution_options(isolation_level="SERIALIZABLE")


def test_a_transaction_that_somebody_began_by_hand_ends_with_its_read(client: Client) -> None:
    def strange(connection: sa.Connection) -> None:
        connection.execute(sa.text("BEGIN"))
        note(connection)

    client.db.read(strange)
    assert client.count() == 0


def test_first_and_last_statements_travel_with_begin_and_commit(client: Client) -> None:
    def effect(connection: sa.Connection) -> None:
        session = session_of(connection)
        session.send_first(FIRST, "first")
        session.send_last(FIRST, "last")
        note(connection)

    assert client.sent(lambda: client.db.write(effect)) == [
        "BEGIN; INSERT INTO notes (text) VALUES ('first'); INSERT INTO notes (text) VALUES ('one')",
        "INSERT INTO notes (text) VALUES ('last'); COMMIT",
    ]
    assert client.count() == 3


def test_a_last_statement_that_fails_commits_nothing(client: Client) -> None:
    def effect(connection: sa.Connection) -> None:
        session_of(connection).send_last("SELECT 1 / 0")
        note(connection)

    with pytest.raises(sa.exc.DataError):
        client.db.write(effect)
    assert client.count() == 0


def test_statements_that_wait_are_not_left_to_the_next_transaction(client: Client) -> None:
    def interrupted(connection: sa.Connection) -> None:
        session_of(connection).send_first(FIRST, "first")
        session_of(connection).send_last(FIRST, "last")
        raise LookupError

    with pytest.raises(LookupError):
        client.db.write(interrupted)
    client.note()
    assert client.count() == 1


def test_an_argument_that_cannot_be_sent_begins_nothing_and_loses_no_first_statement(client: Client) -> None:
    def effect(connection: sa.Connection) -> None:
        session_of(connection).send_first(FIRST, "first")
        with contextlib.suppress(ValueError):
            note(connection, "\0")
        note(connection)

    client.db.write(effect)
    assert client.count() == 2


def test_a_lost_connection_is_replaced_and_the_effect_runs_again(client: Client) -> None:
    runs: list[int] = []

    def effect(connection: sa.Connection) -> None:
        runs.append(connection.execute(sa.text("SELECT pg_backend_pid()")).scalar_one())
        note(connection)
        if len(runs) == 1:
            terminate(client.engine, runs[0])
        note(connection)

    client.db.write(effect)
    assert len(runs) == 2
    assert client.count() == 2


def terminate(engine: sa.Engine, pid: int) -> None:
    admin = sa.create_engine(engine.url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(sa.text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
    admin.dispose()


def test_two_transactions_that_block_each_other_both_take_effect(echo_settings: Settings) -> None:
    engine = make_engine(echo_settings, "echo")
    db = Db(engine)
    db.write(lambda c: c.execute(INSERT, [{"text": "a"}, {"text": "b"}]))
    both_hold_one = threading.Barrier(2)
    tries: list[str] = []

    def lock_both(first: str, second: str) -> None:
        def effect(connection: sa.Connection) -> None:
            tries.append(first)
            is_retry = tries.count(first) > 1
            for text in (second, first) if is_retry else (first, second):
                connection.execute(LOCK, {"text": text})
                if text == first and not is_retry:
                    both_hold_one.wait(10)
            note(connection, f"after {first}")

        db.write(effect)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lock_both, ("a", "b"), ("b", "a")))
    assert len(tries) == 3
    assert db.read(lambda c: c.execute(COUNT).scalar_one()) == 4
    engine.dispose()


def test_a_lock_that_is_not_got_in_time_is_busy_and_leaves_no_transaction(
    echo_settings: Settings, client: Client
) -> None:
    client.note("locked")
    lock = sa.text("SELECT FROM notes FOR UPDATE")
    engine = make_engine(replace(echo_settings, lock_timeout_seconds=0.1), "echo")

    def hold(connection: sa.Connection) -> None:
        connection.execute(lock)
        with pytest.raises(Unavailable) as refused:
            Db(engine).write(lambda waiting: waiting.execute(lock))
        assert refused.value.code == "busy"

    client.db.write(hold)
    with engine.connect() as connection:
        assert session_of(connection).get_transaction_status() == IDLE
    engine.dispose()


def test_a_transaction_that_is_interrupted_at_any_message_leaves_nothing(
    echo_settings: Settings,
) -> None:
    command = [
        sys.executable,
        "-m",
        "tests.chassis.transactions.interrupted_transactions",
        echo_settings.database_url,
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.splitlines()) == (0, ["1 0 0"] * 8), done.stderr
