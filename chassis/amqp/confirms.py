"""Publishing with publisher confirms: which messages the broker has accepted and routed."""

import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import structlog
from eventlet.semaphore import Semaphore

from chassis.amqp.connection import PERSISTENT, AmqpConnection, Channel
from chassis.runtime.context import HEADER_PREFIX
from chassis.storage.recorded import RecordedEvent
from kit import metrics
from kit.errors import Unavailable

log = structlog.get_logger(__name__)

CONFIRM_SECONDS = 4.0

Settle = Callable[[RecordedEvent, bool], None]


@dataclass(frozen=True, slots=True)
class _Unconfirmed:
    event: RecordedEvent
    settle: Settle
    late_at: float


class Confirms:
    """Publishes events, any number of them before the first is confirmed.

    Each is settled exactly once: as confirmed, or as not when the broker refused it, had no queue for
    it, or the connection was lost first.
    """

    def __init__(self, amqp: AmqpConnection) -> None:
        self._amqp = amqp
        self._writing = Semaphore()  # a write that waits for the socket lets other greenlets run
        self._published = 0
        self._unconfirmed: dict[int, _Unconfirmed] = {}  # by delivery tag, in its order
        self._returned: Counter[str] = Counter()
        self._is_dropped = False
        amqp.on_connect(self._on_connect)
        amqp.on_disconnect(self._on_disconnect)

    @property
    def is_ready(self) -> bool:
        """Whether the broker accepts messages."""
        return self._amqp.is_ready

    @property
    def is_waiting(self) -> bool:
        """Whether messages are not settled yet."""
        return bool(self._unconfirmed)

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the connection is to be dropped for a late confirm; None when none is expected."""
        first = None if self._is_dropped else next(iter(self._unconfirmed.values()), None)
        return None if first is None else max(0.0, first.late_at - time.monotonic())

    def publish(
        self, exchange: str, routing_key: str, event: RecordedEvent, mandatory: bool, settle: Settle
    ) -> None:
        """Publishes an event; `settle` is called later, with the event and whether it was confirmed.

        Raises: Unavailable when the broker does not accept messages; then it is not called.
        """
        headers = {HEADER_PREFIX + name: value for name, value in event.context.items()}
        body = json.dumps(event.body, separators=(",", ":"))
        with self._writing:
            # The broker numbers only what was written, and may confirm it before the write returns.
            unconfirmed, tag = self._unconfirmed, self._published + 1
            unconfirmed[tag] = _Unconfirmed(event, settle, time.monotonic() + CONFIRM_SECONDS)
            try:
                self._amqp.publish(
                    exchange,
                    routing_key,
                    body,
                    headers,
                    mandatory=mandatory,
                    delivery_mode=PERSISTENT,
                    message_id=event.event_id,
                )
            except Unavailable:
                if unconfirmed is self._unconfirmed:
                    del unconfirmed[tag]
                    raise
            except BaseException:
                self._amqp.reset()  # the message may have been written in part
                raise
            if unconfirmed is self._unconfirmed:  # else the connection was lost, and the event settled
                self._published = tag

    def reset_if_late(self) -> None:
        """Drops the connection when a message has waited for its confirm too long."""
        if self.seconds_left == 0.0:
            log.warning("broker_confirms_late", count=len(self._unconfirmed))
            self._is_dropped = True
            self._amqp.reset()

    def _on_connect(self, channel: Channel) -> None:
        channel.confirm_select()
        channel.events["basic_ack"].add(self._on_ack)
        channel.events["basic_nack"].add(self._on_nack)
        channel.events["basic_return"].add(self._on_return)
        self._published = 0

    def _on_ack(self, tag: int, multiple: bool) -> None:
        for settled in self._settled(tag, multiple):
            self._settle(settled, True)

    def _on_nack(self, tag: int, multiple: bool) -> None:
        settled = self._settled(tag, multiple)
        log.error("events_refused", count=len(settled))
        for refused in settled:
            self._settle(refused, False)

    def _on_return(self, _error: Any, exchange: str, routing_key: str, message: Any) -> None:
        # Comes before the message's own confirm.
        log.error(
            "event_unroutable", exchange=exchange, routing_key=routing_key, hint="run microtasks migrate"
        )
        self._returned[message.properties.get("message_id", "")] += 1

    def _on_disconnect(self) -> None:
        lost, self._unconfirmed = self._unconfirmed, {}
        self._returned.clear()
        self._published, self._is_dropped = 0, False
        for unconfirmed in lost.values():
            unconfirmed.settle(unconfirmed.event, False)

    def _settled(self, tag: int, multiple: bool) -> list[_Unconfirmed]:
        tags = list(takewhile(lambda known: known <= tag, self._unconfirmed)) if multiple else [tag]
        return [self._unconfirmed.pop(known) for known in tags if known in self._unconfirmed]

    def _settle(self, settled: _Unconfirmed, confirmed: bool) -> None:
        event = settled.event
        if self._returned[event.event_id] > 0:
            self._returned -= Counter([event.event_id])
            confirmed = False
        if confirmed:
            metrics.EVENTS_PUBLISHED.labels(event.type).inc()
        settled.settle(event, confirmed)
