from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa

from chassis.runtime.context import Call, IdempotencyKey
from chassis.storage.database import Db, make_engine
from chassis.storage.idempotency import find_stored_answer, run_idempotently
from kit.errors import Conflict, Declined, Invalid
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


def test_a_duplicate_that_runs_too_long_is_a_conflict(echo_settings: Settings, db: Db) -> None:
    import dataclasses

    impatient = make_engine(dataclasses.replace(echo_settings, lock_timeout_seconds=0.2), "echo")

    def slow(connection: sa.Connection) -> Any:
        with pytest.raises(Conflict) as raised:
            run_idempotently(Db(impatient), call(), note)
        assert raised.value.code == "idempotency_in_progress"
        return note(connection)

    run_idempotently(db, call(), slow)
    impatient.dispose()
    assert count(db) == 1
