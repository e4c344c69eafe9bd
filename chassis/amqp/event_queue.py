"""One queue of events in a process: what it has delivered and is not settled yet.

Deliveries wait until the worker of the queue is free, which then takes them as one batch; alone, an
event is taken at once. The events of a batch that was rolled back are processed one by one, and so are
those that were delivered before: one that crashed its process would crash each batch that it is in.
"""

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import structlog

from chassis.amqp.connection import AmqpConnection, Delivery, decoded
from chassis.amqp.event_work import Batch, NewDelivery, Work
from chassis.runtime import failpoints
from chassis.runtime.context import Call
from kit import metrics
from kit.contracts import Event
from kit.errors import Unavailable
from kit.settings import Settings

log = structlog.get_logger(__name__)

BATCH = 50
PREFETCH = 2 * BATCH  # one batch in progress, and another waits

Ended = Callable[[BaseException | None], None]


class EventQueue:
    """Starts workers with `spawn(work, ended)` for what arrives, and settles it when they have ended.

    `call_from` reads a delivery's headers.
    """

    def __init__(
        self,
        consumer: str,
        contract: Event,
        settings: Settings,
        amqp: AmqpConnection,
        call_from: Callable[[Any], Call],
        spawn: Callable[[Work, Ended], None],
    ) -> None:
        self._consumer, self._contract, self._settings = consumer, contract, settings
        self._amqp, self._call_from, self._spawn = amqp, call_from, spawn
        self._waiting: deque[NewDelivery] = deque()
        self._alone: deque[NewDelivery] = deque()
        self._has_batch = False
        self._workers_alone = 0
        self._stopping = False

    def receive(self, delivery: Delivery) -> None:
        """Accepts a delivery, or rejects one that cannot be read."""
        try:
            work = self._read(delivery)
        except Exception as error:  # an error that escapes here would stop each process that gets the message
            self._reject(delivery, error)
            return
        (self._alone if delivery.redelivered else self._waiting).append(work)
        self._start()

    def stop(self) -> None:
        """Gives back what no worker has begun; what is in progress is finished."""
        self._stopping = True
        for works in (self._waiting, self._alone):
            while works:
                self._amqp.requeue(works.popleft().delivery)

    def _read(self, delivery: Delivery) -> NewDelivery:
        def can_wait() -> bool:
            return not self._stopping and self._amqp.can_settle(delivery)

        event = self._contract.load(decoded(delivery))
        call = self._call_from(delivery.headers)
        return NewDelivery(self._consumer, self._contract, event, self._settings, can_wait, call, delivery)

    def _start(self) -> None:
        if self._waiting and not self._has_batch:
            self._has_batch = True
            batch = Batch(self._take)
            self._spawn(batch, partial(self._batch_ended, batch))
        while self._alone and self._workers_alone < self._settings.event_workers:
            work = self._alone.popleft()
            if self._amqp.can_settle(work.delivery):
                self._workers_alone += 1
                self._spawn(work, partial(self._ended_alone, work))

    def _take(self) -> list[NewDelivery]:
        taken: list[NewDelivery] = []
        while self._waiting and len(taken) < BATCH:
            work = self._waiting.popleft()
            if self._amqp.can_settle(work.delivery):  # else the broker delivers it again
                taken.append(work)
        return taken

    def _batch_ended(self, batch: Batch, error: BaseException | None) -> None:
        self._has_batch = False
        if batch.is_rolled_back:
            self._alone.extend(batch.events)
        else:
            self._settle(batch.events, error)
        self._continue()

    def _ended_alone(self, work: NewDelivery, error: BaseException | None) -> None:
        self._workers_alone -= 1
        self._settle([work], error)
        self._continue()

    def _continue(self) -> None:
        if self._stopping:
            self.stop()
        else:
            self._start()

    def _settle(self, works: Sequence[NewDelivery], error: BaseException | None) -> None:
        if works and error is None:
            failpoints.reach("event.committed")
        for work in works:
            if error is None:
                self._amqp.ack(work.delivery)
            elif isinstance(error, Unavailable):
                log.warning("event_requeued", consumer=self._consumer, error=str(error))
            else:  # it cannot be stored as a failed event either
                self._reject(work.delivery, error)

    def _reject(self, delivery: Delivery, error: BaseException) -> None:
        log.error("event_rejected", consumer=self._consumer, error=f"{type(error).__name__}: {error}")
        metrics.DEAD_LETTERS.labels(self._consumer).inc()
        self._amqp.reject(delivery)
