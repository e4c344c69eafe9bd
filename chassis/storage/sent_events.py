"""Marking events as sent: many with one statement, soon after the broker has confirmed them."""

import time
from collections.abc import Callable, Sequence

import eventlet
import structlog
from sqlalchemy import ARRAY, BigInteger, Connection, any_, bindparam, func, update

from chassis.runtime import failpoints
from chassis.storage.database import Db
from chassis.storage.tables import OUTBOX

log = structlog.get_logger(__name__)

BATCH = 500
BATCH_SECONDS = 0.25
RETRY_SECONDS = 1.0

_MARK = (
    update(OUTBOX)
    .where(OUTBOX.c.id == any_(bindparam("ids", type_=ARRAY(BigInteger))), OUTBOX.c.sent_at.is_(None))
    .values(sent_at=func.now())
)


def mark_as_sent(connection: Connection, ids: Sequence[int]) -> None:
    """Marks rows of the outbox as sent."""
    connection.execute(_MARK, {"ids": list(ids)})


class SentEvents:
    """Confirmed events that are not marked yet. `run` marks them when there are 500, or 250 ms after
    the first; at once when stopping.
    """

    def __init__(self, db: Callable[[], Db], on_marked: Callable[[Sequence[int]], None]) -> None:
        self._db = db
        self._on_marked = on_marked
        self._ids: list[int] = []
        self._due_at: float | None = None
        self._stopping = False
        self._wanted = eventlet.semaphore.Semaphore(0)

    def add(self, id_: int) -> None:
        """Adds a confirmed row of the outbox."""
        self._ids.append(id_)
        if self._due_at is None:
            self._due_at = time.monotonic() + BATCH_SECONDS
            self._wake()
        elif len(self._ids) == BATCH:
            self._due_at = time.monotonic()
            self._wake()

    def stop(self) -> None:
        """Makes `run` mark what is left, and end."""
        self._stopping = True
        self._wake()

    def run(self) -> None:
        """Marks until it is stopped. What the database does not take is tried again, and when
        stopping left unsent.
        """
        while not self._stopping:
            self._wanted.acquire(timeout=self._seconds_left())
            if self._due_at is not None and self._due_at <= time.monotonic():
                self._mark()
        if self._ids:
            self._mark()

    def _seconds_left(self) -> float | None:
        return None if self._due_at is None else max(0.0, self._due_at - time.monotonic())

    def _mark(self) -> None:
        ids, self._ids, self._due_at = self._ids, [], None
        failpoints.reach("outbox.confirmed")
        try:
            self._db().write(lambda connection: mark_as_sent(connection, ids))
        except Exception as error:
            log.warning("events_not_marked", count=len(ids), error=str(error))
            self._ids, self._due_at = ids + self._ids, time.monotonic() + RETRY_SECONDS
        else:
            self._on_marked(ids)

    def _wake(self) -> None:
        if self._wanted.counter == 0:
            self._wanted.release()
