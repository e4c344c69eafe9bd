from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from chassis.runtime.context import Call, IdempotencyKey
from chassis.storage.database import Db, make_engine
from chassis.storage.idempotency import (
    IS_CLAIMED,
    FirstStatement,
    find_stored_answer,
    run_idempotently,
    run_with_first,
)
from kit.errors import Conflict, Declined, Invalid, Unavailable
from kit.security.tokens import Verifier
from kit.settings import Settings

pytestmark = pytest.mark.servers


def call(key: str = "k", fingerprint: str = "f", scope: str = "me") -> Call:
    return Call(Verifier(""), float("inf"), idempotency=IdempotencyKey(scope, key, fingerprint))


def note(connection: sa.Connection, text: str = "effect") -> dict[str, Any]:
    number = connection.execute(
        sa.text("INSERT INTO notes (text) VALUES (:text) RETURNING id"), {"text": text}
    ).scalar()
    return {"number": number}


def count(db: Db) -> Any:
    return db.read(lambda c: c.execute(sa.text("SELECT count(*) FROM notes")).scalar())


def test_sixteen_duplicates_have_one_effect_and_one_answer(db: Db) -> None:
    for round_number in range(5):
        calls = [call(f"k{round_number}") for _ in range(16)]
        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda one: run_idempotently(db, one, note), calls))
        assert len({answer["number"] for answer in answers}) == 1
        assert [one.replayed for one in calls].count(False) == 1
    assert count(db) == 5


def test_an_effect_that_fails_stores_nothing_and_may_be_tried_again(db: Db) -> None:
    def fail(connection: sa.Connection) -> Any:
        note(connection)
        raise Conflict("no")

    with pytest.raises(Conflict):
        run_idempotently(db, call(), fail)
    assert count(db) == 0
    assert run_idempotently(db, call(), note)
    assert count(db) == 1


def test_a_declined_answer_is_stored_and_replayed(db: Db) -> None:
    def decline(connection: sa.Connection) -> Any:
        note(connection)
        raise Declined("The card was declined.", reason="card")

    for _ in range(2):
        with pytest.raises(Declined) as raised:
            run_idempotently(db, call(), decline)
        assert raised.value.data == {"reason": "card"}
    assert count(db) == 1


def test_a_key_belongs_to_one_request_and_one_person(db: Db) -> None:
    run_idempotently(db, call(), note)
    with pytest.raises(Invalid) as raised:
        run_idempotently(db, call(fingerprint="other"), note)
    assert raised.value.code == "idempotency_key_reused"
    assert run_idempotently(db, call(scope="you"), note)


def test_an_answer_of_nothing_is_replayed_too(db: Db) -> None:
    assert run_idempotently(db, call(), lambda connection: None) is None
    again = call()
    assert run_idempotently(db, again, note) is None
    assert again.replayed
    assert count(db) == 0


def test_replay_knows_only_finished_calls(db: Db) -> None:
    assert find_stored_answer(db, call()) is None
    answer = run_idempotently(db, call(), note)
    later = call()
    assert find_stored_answer(db, later) == answer
    assert later.replayed


@pytest.fixture
def impatient(echo_settings: Settings) -> Iterator[Db]:
    """The same database, for those who wait for locks no longer than 0.2 s."""
    engine = make_engine(replace(echo_settings, lock_timeout_seconds=0.2), "echo")
    yield Db(engine)
    engine.dispose()


def test_a_duplicate_that_runs_too_long_is_a_conflict(impatient: Db, db: Db) -> None:
    def slow(connection: sa.Connection) -> Any:
        with pytest.raises(Conflict) as raised:
            run_idempotently(impatient, call(), note)
        assert raised.value.code == "idempotency_in_progress"
        return note(connection)

    run_idempotently(db, call(), slow)
    assert count(db) == 1


def no_key() -> Call:
    return Call(Verifier(""), float("inf"))


def rename(text: str, number: int) -> FirstStatement:
    """Renames a note, if the key was claimed."""
    statement = sa.text(f"UPDATE notes SET text = :text WHERE id = :number AND {IS_CLAIMED} RETURNING id")
    return FirstStatement(statement, {"text": text, "number": number})


def lock(number: int, lock: str | None = None) -> FirstStatement:
    """Locks a note, if the key was claimed."""
    statement = sa.text(f"SELECT id FROM notes WHERE id = :number AND {IS_CLAIMED} FOR UPDATE")
    return FirstStatement(statement, {"number": number}, lock)


def found(_connection: sa.Connection, row: Any) -> Any:
    return None if row is None else row.id


def texts(db: Db) -> list[str]:
    return db.read(lambda c: list(c.execute(sa.text("SELECT text FROM notes ORDER BY id")).scalars()))


@pytest.mark.parametrize("make_call", [call, no_key])
def test_the_first_statement_runs_with_and_without_a_key(db: Db, make_call: Any) -> None:
    number = db.write(note)["number"]
    assert run_with_first(db, make_call(), rename("new", number), found) == number
    assert (
        run_with_first(db, make_call() if make_call is no_key else call("other"), rename("", 0), found)
        is None
    )
    assert texts(db) == ["new"]


def test_the_first_statement_of_a_repeat_changes_nothing(db: Db) -> None:
    number = db.write(note)["number"]
    run_with_first(db, call(), rename("once", number), found)
    again = call()
    assert run_with_first(db, again, rename("twice", number), found) == number
    assert again.replayed
    with pytest.raises(Invalid):
        run_with_first(db, call(fingerprint="other"), rename("other", number), found)
    assert texts(db) == ["once"]


def test_a_repeat_waits_for_no_row(impatient: Db, db: Db) -> None:
    number = db.write(note)["number"]
    answer = run_with_first(db, call(), lock(number), found)

    def hold(connection: sa.Connection, row: Any) -> Any:
        assert run_with_first(impatient, call(), lock(number), found) == answer
        with pytest.raises(Unavailable) as refused:
            run_with_first(impatient, call("new"), lock(number), found)
        assert refused.value.code == "busy"
        return row.id

    assert run_with_first(db, no_key(), lock(number), hold) == number


def test_who_holds_the_lock_is_waited_for_as_somebody_else_and_not_as_a_duplicate(
    impatient: Db, db: Db
) -> None:
    def hold(connection: sa.Connection, row: Any) -> Any:
        for key, error, code in [("other", Unavailable, "busy"), ("k", Conflict, "idempotency_in_progress")]:
            with pytest.raises(error) as refused:
                run_with_first(impatient, call(key), lock(0, "one at a time"), found)
            assert refused.value.code == code
        assert run_with_first(impatient, call("third"), lock(0, "another"), found) is None
        return "held"

    assert run_with_first(db, call(), lock(0, "one at a time"), hold) == "held"


def test_of_many_at_once_each_waits_for_the_one_before(db: Db) -> None:
    def one_more(connection: sa.Connection, _row: Any) -> Any:
        stored = connection.execute(sa.text("SELECT count(*) FROM notes")).scalar_one()
        note(connection)
        return stored

    with ThreadPoolExecutor(8) as pool:
        keys = [call(f"k{number}") for number in range(8)]
        counts = list(pool.map(lambda one: run_with_first(db, one, lock(0, "count"), one_more), keys))
    assert sorted(counts) == list(range(8))


def test_a_lock_is_the_one_that_the_releases_before_took(impatient: Db, db: Db) -> None:
    def old(connection: sa.Connection) -> None:
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtextextended('customer', 0))"))
        with pytest.raises(Unavailable):
            run_with_first(impatient, call(), lock(0, "customer"), found)

    db.write(old)
