"""Counting what is limited (wrong passwords, sign-ups): exact however many happen at once, and bounded.

A count is one row with the times that still count, at most as many as are allowed. Its lock makes it
exact: of any number of simultaneous attempts just the allowed ones are recorded.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, func, select

from services.accounts import statements
from services.accounts.models import COUNTED_ATTEMPTS


@dataclass(frozen=True)
class Count:
    """So many attempts of a subject (a keyed digest) are allowed in so many seconds."""

    subject: str
    allowed: int
    period_seconds: int


def record_attempt(connection: Connection, count: Count) -> int | None:
    """Counts one attempt. Returns how many there are now; None, without a change, when it is one too many.

    The row stays locked until the transaction ends: record several counts in the order of `subject`.
    """
    row = connection.execute(
        statements.RECORD_ATTEMPT,
        {"subject": count.subject, "allowed": count.allowed, "period": count.period_seconds},
    ).first()
    return None if row is None else int(row.attempts)


def seconds_to_wait(connection: Connection, counts: Sequence[Count]) -> int | None:
    """Returns the seconds until all of these counts allow another attempt; None when they do now."""
    arguments: dict[str, Any] = {
        "subjects": [count.subject for count in counts],
        "allowed": [count.allowed for count in counts],
        "periods": [count.period_seconds for count in counts],
    }
    seconds = connection.execute(statements.SECONDS_TO_WAIT, arguments).scalar()
    return None if seconds is None else max(1, int(seconds))


def forget_attempts(connection: Connection, counts: Collection[Count]) -> None:
    """Resets these counts."""
    subjects = sorted(count.subject for count in counts)
    locked = select(COUNTED_ATTEMPTS.c.subject).where(COUNTED_ATTEMPTS.c.subject.in_(subjects))
    ordered = locked.order_by(COUNTED_ATTEMPTS.c.subject).with_for_update()
    connection.execute(delete(COUNTED_ATTEMPTS).where(COUNTED_ATTEMPTS.c.subject.in_(ordered)))


def purge_attempts(connection: Connection, batch: int) -> None:
    """Removes up to `batch` expired counts."""
    old = (
        select(COUNTED_ATTEMPTS.c.subject)
        .where(COUNTED_ATTEMPTS.c.expires_at < func.now())
        .limit(batch)
        .with_for_update(skip_locked=True)
    )
    connection.execute(delete(COUNTED_ATTEMPTS).where(COUNTED_ATTEMPTS.c.subject.in_(old)))
