"""Publishing from the outbox's table: what no process has published from memory.

Rows are locked with `SKIP LOCKED`, so replicas share the work.
"""

from collections.abc import Callable, Container, Sequence
from functools import partial

import eventlet
import structlog
from eventlet.event import Event as GreenEvent
from sqlalchemy import BigInteger, Connection, Float, Integer, bindparam, func, select

from chassis.amqp.confirms import CONFIRM_SECONDS, Confirms
from chassis.runtime import failpoints
from chassis.storage.database import Db
from chassis.storage.recorded import RecordedEvent
from chassis.storage.sent_events import mark_as_sent
from chassis.storage.tables import OUTBOX
from kit.errors import Unavailable

log = structlog.get_logger(__name__)

BATCH = 500

Publish = Callable[[RecordedEvent, Callable[[RecordedEvent, bool], None]], None]

_OLD_UNSENT = (
    select(*(OUTBOX.c[name] for name in RecordedEvent.__slots__))
    .where(
        OUTBOX.c.sent_at.is_(None),
        OUTBOX.c.id > bindparam("after", type_=BigInteger()),
        OUTBOX.c.created_at
        <= func.now() - func.make_interval(0, 0, 0, 0, 0, 0, bindparam("age", type_=Float())),
    )
    .order_by(OUTBOX.c.id)
    .limit(bindparam("batch", type_=Integer()))
    .with_for_update(skip_locked=True)
)


class OutboxReader:
    """Publishes the unsent rows that are older than some seconds, except those that its process holds."""

    def __init__(
        self, db: Callable[[], Db], confirms: Confirms, publish: Publish, held: Container[int]
    ) -> None:
        self._db = db
        self._confirms = confirms
        self._publish = publish
        self._held = held

    def read(self, age_seconds: float) -> None:
        """Publishes them all, each once, in batches. Rows that the broker does not confirm stay unsent; the
        rows after them are published all the same. Never raises.
        """
        try:
            last: int | None = 0
            while last is not None and self._confirms.is_ready:
                last = self._db().write(partial(self._publish_batch, last, age_seconds))
        except Unavailable as error:
            log.warning("relay_blocked", error=error.detail)
        except Exception as error:
            log.error("relay_failed", exc_info=error)

    def _publish_batch(self, after: int, age_seconds: float, connection: Connection) -> int | None:
        parameters = {"after": after, "age": age_seconds, "batch": BATCH}
        rows = [RecordedEvent(*row) for row in connection.execute(_OLD_UNSENT, parameters)]
        events = [row for row in rows if row.id not in self._held]
        if events:
            confirmed = self._confirmed(events)
            failpoints.reach("outbox.confirmed")
            mark_as_sent(connection, confirmed)
            if len(confirmed) < len(events):
                log.error("events_unconfirmed", count=len(events) - len(confirmed))
        return rows[-1].id if len(rows) == BATCH else None

    def _confirmed(self, events: Sequence[RecordedEvent]) -> list[int]:
        outcomes: dict[int, bool] = {}
        all_settled = GreenEvent()

        def settle(event: RecordedEvent, confirmed: bool) -> None:
            outcomes[event.id] = confirmed
            if len(outcomes) == len(events):
                all_settled.send()

        for event in events:
            self._publish(event, settle)
        failpoints.reach("outbox.published")
        with eventlet.Timeout(CONFIRM_SECONDS, False):
            all_settled.wait()
        self._confirms.reset_if_late()
        return [id_ for id_, confirmed in outcomes.items() if confirmed]
