"""Commands in two phases with a payment processor between them.

The first phase commits a row with the caller's idempotency key and an undecided status. Then the processor
is called, with no transaction open. The second phase records the outcome and stores the answer. A repeat
of the request finds the row, wherever the first one ended; a row that nobody completes is found by its
`check_at` and reconciled.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, Table, select, update
from sqlalchemy.dialects.postgresql import insert

from chassis.runtime.context import Call, IdempotencyKey
from chassis.runtime.failpoints import reach
from chassis.storage import notifications
from chassis.storage.idempotency import find_stored_answer, run_idempotently
from kit.errors import Conflict, Invalid
from services.payments.access import Row
from services.payments.payment_context import PaymentContext
from services.payments.settings import PaymentSettings

Outcome = TypeVar("Outcome")
Answer = TypeVar("Answer")
GRACE_SECONDS = 5
KEY_LIFETIME = timedelta(hours=24)


@dataclass(frozen=True)
class PendingRequest:
    """A committed row; `is_new` unless an earlier request with the same key committed it."""

    row: Row
    is_new: bool


def run_in_two_phases(
    context: PaymentContext,
    call: Call,
    name: str,
    begin: Callable[[], PendingRequest],
    call_processor: Callable[[Row], Outcome | None],
    complete: Callable[[Connection, str, Outcome | None], Answer],
) -> Answer:
    """Runs both phases and returns the answer, or the stored answer of a repeated request.

    `name` is the prefix of its failpoint. `begin` commits the first phase. `complete` records the outcome,
    None when it is unknown, and renders the answer.

    Raises: what the three raise; Invalid `idempotency_key_reused`; Conflict `idempotency_in_progress`.
    """
    stored = cast(Answer | None, find_stored_answer(context.db, call))
    if stored is not None:
        return stored
    pending = begin()
    row_id, outcome = pending.row["id"], None
    if pending.is_new:
        outcome = call_processor(pending.row)
    elif (answered := await_concurrent_result(context, call, pending.row)) is not None:
        return cast(Answer, answered)

    def complete_and_notify(connection: Connection) -> Answer:
        notifications.notify(connection, _channel(row_id))
        return complete(connection, row_id, outcome)

    try:
        answer: Answer = run_idempotently(context.db, call, complete_and_notify)
    finally:
        reach(f"{name}.recorded")
    return answer


def begin_once(
    connection: Connection,
    table: Table,
    key: IdempotencyKey | None,
    settings: PaymentSettings,
    make_row: Callable[[], dict[str, Any]],
) -> PendingRequest:
    """Inserts the row that `make_row` returns, unless this key inserted one before.

    Raises: what `make_row` raises; Invalid `idempotency_key_reused`; Conflict `idempotency_in_progress`
    when a concurrent duplicate inserts it at this moment.
    """
    existing = find_existing(connection, table, key)
    if existing is not None:
        return PendingRequest(existing, is_new=False)
    row = make_row()
    _insert(connection, table, row, key, settings)
    return PendingRequest(row, is_new=True)


def find_existing(connection: Connection, table: Table, key: IdempotencyKey | None) -> Row | None:
    """The row that an earlier request with this key inserted.

    Raises: Invalid `idempotency_key_reused` when it was another request.
    """
    if key is None:
        return None
    of_key = (table.c.key_scope == key.scope, table.c.key == key.key)
    expired = table.c.created_at < datetime.now(UTC) - KEY_LIFETIME
    connection.execute(update(table).where(*of_key, expired).values(key_scope=None, key=None))
    row = connection.execute(select(table).where(*of_key)).mappings().first()
    if row is not None and row["key_fingerprint"] != key.fingerprint:
        detail = "This Idempotency-Key was used for another request."
        where = {"header": "Idempotency-Key", "code": "idempotency_key_reused", "detail": "Use a new key."}
        raise Invalid(detail, code="idempotency_key_reused", errors=[where])
    return row


def await_concurrent_result(context: PaymentContext, call: Call, pending: Row) -> object:
    """Waits for the answer of the concurrent request that inserted a row.

    Returns None when that request is no longer running: its row is decided, or reconciliation has it.

    Raises: Conflict `idempotency_in_progress` when it does not end in time; Declined when that is its answer.
    """
    check_at = pending["check_at"]
    if check_at is None or pending["checks"] > 0:
        return None
    seconds_left = (check_at - datetime.now(UTC)).total_seconds()
    answer = notifications.wait_for(
        context.db,
        _channel(pending["id"]),
        lambda: find_stored_answer(context.db, call),
        min(seconds_left, context.settings.processor_timeout_seconds),
    )
    if answer is None and seconds_left > context.settings.processor_timeout_seconds:
        raise _in_progress()
    return answer


def _insert(
    connection: Connection,
    table: Table,
    row: dict[str, Any],
    key: IdempotencyKey | None,
    settings: PaymentSettings,
) -> None:
    if key is not None:
        row = {**row, "key_scope": key.scope, "key": key.key, "key_fingerprint": key.fingerprint}
    timeout = timedelta(seconds=settings.processor_timeout_seconds + GRACE_SECONDS)
    inserted = insert(table).values(**row, check_at=datetime.now(UTC) + timeout)
    if connection.execute(inserted.on_conflict_do_nothing().returning(table.c.id)).first() is None:
        raise _in_progress()


def _channel(row_id: str) -> str:
    return f"completed_{row_id.replace('-', '')}"


def _in_progress() -> Conflict:
    return Conflict(
        "A request with this Idempotency-Key is still in progress.", code="idempotency_in_progress"
    )
