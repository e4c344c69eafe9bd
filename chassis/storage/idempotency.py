"""Stored answers: a mutating call with an idempotency key takes effect once, however often it is repeated.

The key is claimed before the first statement of the effect's transaction, in the same message, so a
concurrent duplicate request waits for it. The answer is stored with the commit, in one message.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypedDict, TypeVar, cast

from sqlalchemy import Connection, Executable, Row, text
from sqlalchemy.exc import DBAPIError

from chassis.runtime.context import Call, IdempotencyKey
from chassis.storage.database import LOCK_NOT_AVAILABLE, Db, sqlstate
from chassis.storage.tables import IDEMPOTENCY
from chassis.storage.transactions import session_of
from kit.errors import Conflict, Declined, Invalid, from_wire, to_wire
from kit.types import JsonValue

T = TypeVar("T")
Effect: TypeAlias = Callable[[Connection, Row[Any] | None], T]

_CLAIM = "INSERT INTO idempotency (scope, key, fingerprint) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"
_STORE = "UPDATE idempotency SET answer = %s WHERE scope = %s AND key = %s"
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
_FIND = text("SELECT fingerprint, answer FROM idempotency WHERE scope = :claim_scope AND key = :claim_key")

# No other transaction shows a key without its answer. A call without a key has nothing to claim.
IS_CLAIMED = """(
    :claim_key IS NULL OR EXISTS (
        SELECT FROM idempotency WHERE scope = :claim_scope AND key = :claim_key AND answer IS NULL))"""
"""Whether this transaction has claimed the key: a condition of every first statement."""


class StoredAnswer(TypedDict, total=False):
    """What a call returned, or the `error` that declined it."""

    result: JsonValue
    error: Mapping[str, Any]


@dataclass(frozen=True)
class FirstStatement:
    """What a command begins with; `IS_CLAIMED` is among its conditions, and it returns one row or none.

    `lock` names an advisory lock of the transaction that it waits for.
    """

    statement: Executable
    parameters: Mapping[str, Any] = field(default_factory=dict)
    lock: str | None = None


_NOTHING = FirstStatement(text(f"SELECT 1 WHERE {IS_CLAIMED}"))


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
    if call.idempotency is None:
        return db.write(effect)
    return run_with_first(db, call, _NOTHING, lambda connection, _: effect(connection))


def run_with_first(db: Db, call: Call, first: FirstStatement, effect: Effect[T]) -> T:
    """Does the same for an effect that gets the row of its first statement, None for no row.

    Claiming the key costs such an effect no round trip. Without the claim the statement has no effect.

    Raises: what `run_idempotently` raises.
    """

    def attempt(connection: Connection) -> StoredAnswer:
        row = _begin(connection, call.idempotency, first)
        try:
            answer: StoredAnswer = {"result": cast(JsonValue, effect(connection, row))}
        except Declined as declined:
            answer = {"error": to_wire(declined)}
        if (key := call.idempotency) is not None:
            session_of(connection).send_last(_STORE, json.dumps(answer), key.scope, key.key)
        return answer

    try:
        answer = db.write(attempt)
    except _Replayed as replayed:
        call.replayed = True
        answer = replayed.answer
    return cast(T, _unwrap(answer))


def find_stored_answer(db: Db, call: Call) -> JsonValue:
    """Returns the stored answer of this call, or None when it has not run yet.

    For methods with much to do before their transaction: a repetition gets the stored answer even when
    that would end differently by now.
    """
    key = call.idempotency
    if key is None:
        return None
    stored = db.read(lambda connection: _find(connection, key))
    if stored is None:
        return None
    call.replayed = True
    return _unwrap(stored.answer)


def _begin(connection: Connection, key: IdempotencyKey | None, first: FirstStatement) -> Row[Any] | None:
    session = session_of(connection)
    if key is not None:
        session.send_first(_CLAIM, key.scope, key.key, key.fingerprint)
    if first.lock is not None:
        session.send_first(_LOCK, first.lock)
    try:
        row = connection.execute(first.statement, {**first.parameters, **_claimed_by(key)}).first()
    except DBAPIError as error:
        if _waited_for_a_key(error):
            raise _in_progress() from error
        raise
    if row is None and key is not None:
        stored = _find(connection, key)
        if stored is None:  # it expired since
            raise _in_progress()
        if stored.answer is not None:
            raise _Replayed(stored.answer)
    return row


def _claimed_by(key: IdempotencyKey | None) -> dict[str, str | None]:
    if key is None:
        return {"claim_scope": None, "claim_key": None}
    return {"claim_scope": key.scope, "claim_key": key.key}


def _waited_for_a_key(error: DBAPIError) -> bool:
    # The context names the relation in which the statement waited, in every language of the server.
    context = getattr(getattr(error.orig, "diag", None), "context", None)
    return sqlstate(error) == LOCK_NOT_AVAILABLE and IDEMPOTENCY.name in (context or "")


def _find(connection: Connection, key: IdempotencyKey) -> Row[Any] | None:
    found = connection.execute(_FIND, _claimed_by(key)).first()
    if found is not None and found.fingerprint != key.fingerprint:
        raise Invalid(
            "This Idempotency-Key was used for another request.",
            code="idempotency_key_reused",
            errors=[
                {"header": "Idempotency-Key", "code": "idempotency_key_reused", "detail": "Use a new key."}
            ],
        )
    return found


def _unwrap(answer: StoredAnswer) -> JsonValue:
    if "error" in answer:
        raise from_wire(answer["error"])
    return answer["result"]


def _in_progress() -> Conflict:
    return Conflict(
        "A request with this Idempotency-Key is still in progress.", code="idempotency_in_progress"
    )
