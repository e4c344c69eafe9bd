"""Work in two steps with a processor between them: an intent is committed, then asked, then recorded.

No processor is ever asked inside a transaction. The first step keeps the caller's idempotency key
with the intent, so a repeat finds it whatever died in between; the answer is stored by the second
step, as everywhere. An intent that nobody finished is found by its `check_at`.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection, Table, select, update
from sqlalchemy.dialects.postgresql import insert

from chassis.runtime.context import Call, IdempotencyKey
from chassis.storage.database import Db
from chassis.storage.idempotency import find_stored_answer
from kit.errors import Conflict, Invalid, Unavailable
from services.payments.processors.base import NoAnswer
from services.payments.rendering import Json, Row
from services.payments.settings import PaymentSettings

log = structlog.get_logger(__name__)

Answer = TypeVar("Answer")
GRACE_SECONDS = 5
LOOK_AGAIN = timedelta(milliseconds=50)
KEY_LIFE = timedelta(hours=24)
BATCH = 20


@dataclass(frozen=True)
class Intent:
    """A committed row, and whether this request made it or one before with the same key."""

    row: Row
    is_new: bool


def earlier(connection: Connection, table: Table, key: IdempotencyKey | None) -> Row | None:
    """The intent that this key made before.

    Raises: Invalid `idempotency_key_reused` when it was another wish.
    """
    if key is None:
        return None
    mine = (table.c.key_scope == key.scope, table.c.key == key.key)
    old = datetime.now(UTC) - KEY_LIFE
    connection.execute(update(table).where(*mine, table.c.created_at < old).values(key_scope=None, key=None))
    row = connection.execute(select(table).where(*mine)).mappings().first()
    if row is not None and row["key_fingerprint"] != key.fingerprint:
        detail = "This Idempotency-Key was used for another request."
        where = {"header": "Idempotency-Key", "code": "idempotency_key_reused", "detail": "Use a new key."}
        raise Invalid(detail, code="idempotency_key_reused", errors=[where])
    return row


def insert_intent(
    connection: Connection,
    table: Table,
    values: Json,
    key: IdempotencyKey | None,
    settings: PaymentSettings,
) -> None:
    """Inserts an intent, its first status in `values`, that is asked right after its commit, and looked at
    if nobody records it.

    Raises: Conflict `idempotency_in_progress` when a twin did so at this moment.
    """
    if key is not None:
        values = {**values, "key_scope": key.scope, "key": key.key, "key_fingerprint": key.fingerprint}
    patience = timedelta(seconds=settings.processor_timeout_seconds + GRACE_SECONDS)
    statement = insert(table).values(**values, check_at=datetime.now(UTC) + patience)
    if connection.execute(statement.on_conflict_do_nothing().returning(table.c.id)).first() is None:
        raise _in_progress()


def answer_of_twin(db: Db, call: Call, intent: Row, settings: PaymentSettings) -> Json | None:
    """Waits for the answer of the twin that made this intent; None when nobody works on it any more.

    Raises: Conflict `idempotency_in_progress` when it takes too long.
    """
    until = time.monotonic() + settings.processor_timeout_seconds
    while intent["check_at"] is not None and intent["checks"] == 0 and intent["check_at"] > datetime.now(UTC):
        answer: Json | None = find_stored_answer(db, call)
        if answer is not None:
            return answer
        if time.monotonic() > until:
            raise _in_progress()
        time.sleep(LOOK_AGAIN.total_seconds())
    return None


def asked(ask: Callable[[], Answer], **about: Any) -> Answer | None:
    """What the processor says; None when it does not, so that it is asked again later."""
    try:
        return ask()
    except (NoAnswer, Unavailable) as error:
        log.warning("processor_gave_no_answer", error=str(error), **about)
        return None


def claim_unfinished(db: Db, table: Table, settings: PaymentSettings) -> list[Any]:
    """The ids of intents whose time to be looked at has come; each is nobody else's for a while."""

    def claim(connection: Connection) -> list[Any]:
        now = datetime.now(UTC)
        unfinished = (
            select(table.c.id, table.c.checks)
            .where(table.c.check_at <= now)
            .order_by(table.c.check_at)
            .limit(BATCH)
            .with_for_update(skip_locked=True)
        )
        rows = connection.execute(unfinished).all()
        for row in rows:
            again = {"checks": row.checks + 1, "check_at": now + settings.check_after(row.checks)}
            connection.execute(update(table).where(table.c.id == row.id).values(again))
        return [row.id for row in rows]

    return db.write(claim)


def _in_progress() -> Conflict:
    return Conflict(
        "A request with this Idempotency-Key is still in progress.", code="idempotency_in_progress"
    )
