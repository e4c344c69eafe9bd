"""Stored answers: a mutating call with an idempotency key takes effect once, however often it is repeated.

The key is claimed by the first statement of the effect's transaction, so a concurrent duplicate request
waits for it, and the answer is stored in the same commit as the effect.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypedDict, TypeVar, cast

from sqlalchemy import Connection, Executable, literal_column, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError

from chassis.runtime.context import Call, IdempotencyKey
from chassis.storage.database import LOCK_NOT_AVAILABLE, Db, sqlstate
from chassis.storage.tables import IDEMPOTENCY
from kit.errors import Conflict, Declined, Invalid, from_wire, to_wire
from kit.types import JsonValue

T = TypeVar("T")


class StoredAnswer(TypedDict, total=False):
    """What a call returned, or the `error` that declined it."""

    result: JsonValue
    error: Mapping[str, Any]


class _Replayed(Exception):
    def __init__(self, answer: StoredAnswer) -> None:
        self.answer = answer


def run_idempotently(db: Db, call: Call, effect: Callable[[Connection], T]) -> T:
    """Runs an effect in one transaction, or returns its stored answer.

    A `Declined` is stored and raised again like an answer; any other error stores nothing, so the
    same key may be tried again.

    Raises: Invalid `idempotency_key_reused` when the key was used for another request;
    Conflict `idempotency_in_progress` when a concurrent duplicate outlasts the lock time-out.
    """
    key = call.idempotency
    if key is None:
        return db.write(effect)

    def attempt(connection: Connection) -> StoredAnswer:
        _claim(connection, key)
        try:
            answer: StoredAnswer = {"result": cast(JsonValue, effect(connection))}
        except Declined as declined:
            answer = {"error": to_wire(declined)}
        _store(connection, key, answer)
        return answer

    try:
        answer = db.write(attempt)
    except _Replayed as replayed:
        call.replayed = True
        answer = replayed.answer
    return cast(T, _unwrap(answer))


def find_stored_answer(db: Db, call: Call) -> JsonValue:
    """Returns the stored answer of this call, or None when it has not run yet.

    For methods that call another service before their transaction: a repetition gets the stored answer
    even when that service would answer differently by now, or is unavailable.
    """
    key = call.idempotency
    if key is None:
        return None
    stored = db.read(lambda connection: _stored(connection, key))
    if stored is None:
        return None
    call.replayed = True
    return _unwrap(stored)


def _claim(connection: Connection, key: IdempotencyKey) -> None:
    claim: Executable = (
        insert(IDEMPOTENCY)
        .values(scope=key.scope, key=key.key, fingerprint=key.fingerprint)
        .on_conflict_do_nothing()
        .returning(literal_column("1"))
    )
    try:
        claimed = connection.execute(claim).first()
    except DBAPIError as error:
        if sqlstate(error) != LOCK_NOT_AVAILABLE:
            raise
        raise _in_progress() from error
    if claimed is None:
        stored = _stored(connection, key)
        if stored is None:  # it expired since
            raise _in_progress()
        raise _Replayed(stored)


def _stored(connection: Connection, key: IdempotencyKey) -> StoredAnswer | None:
    found = connection.execute(
        select(IDEMPOTENCY.c.fingerprint, IDEMPOTENCY.c.answer).where(
            IDEMPOTENCY.c.scope == key.scope, IDEMPOTENCY.c.key == key.key
        )
    ).first()
    if found is None:
        return None
    if found.fingerprint != key.fingerprint:
        raise Invalid(
            "This Idempotency-Key was used for another request.",
            code="idempotency_key_reused",
            errors=[
                {"header": "Idempotency-Key", "code": "idempotency_key_reused", "detail": "Use a new key."}
            ],
        )
    answer: StoredAnswer = found.answer
    return answer


def _store(connection: Connection, key: IdempotencyKey, answer: StoredAnswer) -> None:
    connection.execute(
        update(IDEMPOTENCY)
        .where(IDEMPOTENCY.c.scope == key.scope, IDEMPOTENCY.c.key == key.key)
        .values(answer=answer)
    )


def _unwrap(answer: StoredAnswer) -> JsonValue:
    if "error" in answer:
        raise from_wire(answer["error"])
    return answer["result"]


def _in_progress() -> Conflict:
    return Conflict(
        "A request with this Idempotency-Key is still in progress.", code="idempotency_in_progress"
    )
