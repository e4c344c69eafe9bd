"""Every queue: what waits in it, who reads it, how old the oldest is, and what is wrong."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from amqp.exceptions import NotFound

from chassis.amqp import topology
from chassis.amqp.topology import Queue
from cli.doctor.broker import BACKLOG
from cli.operations.broker import opened_broker
from cli.operations.databases import Databases
from cli.operations.dead_letter_message import event_of
from cli.operations.dead_letters import letters_in
from cli.operations.outboxes import Delivery, delivery
from cli.support.broker import in_own_channel
from cli.support.errors import CliError
from kit.settings import Settings
from services.registry import NAMES, all_events

SAMPLES, PAUSE_SECONDS = 3, 0.5
MISSING, UNREAD, GROWS = "missing: run microtasks migrate", "nobody reads it", "grows"


@dataclass(frozen=True)
class QueueState:
    """One queue. `ready` waits to be read; of events, `not_taken` were sent and had no effect yet.

    What is not known is null: the age of calls, and of events whose databases are away.
    """

    queue: str
    service: str
    purpose: str
    ready: int | None
    consumers: int | None
    not_taken: int | None
    oldest_seconds: float | None
    wrong: str


@dataclass(frozen=True)
class _Sample:
    ready: int
    consumers: int


def examine_queues(databases: Databases, services: Sequence[str]) -> Iterator[QueueState]:
    """Samples each queue of these services a few times, to detect growth. Raises: CliError."""
    settings = databases.settings
    with opened_broker(settings) as connection:
        queues = [q for q in topology.queues(settings, NAMES, all_events()) if q.service in services]
        samples = _sample_all(connection, queues)
        for queue in queues:
            yield _state(databases, connection, queue, samples[queue.name])


def _sample_all(connection: Any, queues: Sequence[Queue]) -> dict[str, list[_Sample | None]]:
    samples: dict[str, list[_Sample | None]] = {queue.name: [] for queue in queues}
    for number in range(SAMPLES):
        time.sleep(PAUSE_SECONDS if number else 0)
        for queue in queues:
            samples[queue.name].append(_sample(connection, queue.name))
    return samples


def _sample(connection: Any, name: str) -> _Sample | None:
    try:
        answer = in_own_channel(connection, lambda channel: channel.queue_declare(name, passive=True))
    except NotFound:
        return None
    return _Sample(answer.message_count, answer.consumer_count)


def _state(
    databases: Databases, connection: Any, queue: Queue, samples: Sequence[_Sample | None]
) -> QueueState:
    last = samples[-1]
    not_taken, oldest = None, None
    if last is not None and queue.purpose == "dead letters":
        oldest = _oldest_letter(connection, databases.settings, queue.service) if last.ready else None
    elif (found := _delivery(databases, queue)) is not None:
        not_taken, oldest = found.not_taken, found.oldest_not_taken_seconds
    return QueueState(
        queue=queue.name,
        service=queue.service,
        purpose=queue.purpose,
        ready=None if last is None else last.ready,
        consumers=None if last is None else last.consumers,
        not_taken=not_taken,
        oldest_seconds=oldest,
        wrong=", ".join(_wrong(queue, samples)),
    )


def _wrong(queue: Queue, samples: Sequence[_Sample | None]) -> Iterator[str]:
    existing = [sample for sample in samples if sample is not None]
    if len(existing) < len(samples):
        yield MISSING
        return
    ready = [sample.ready for sample in existing]
    if queue.purpose == "dead letters":
        if ready[-1]:
            yield "messages that no consumer could process"
        return
    if not existing[-1].consumers:
        yield UNREAD
    if all(before < after for before, after in pairwise(ready)):
        yield GROWS
    if ready[-1] > BACKLOG:
        yield "backlog"


def _oldest_letter(connection: Any, settings: Settings, service: str) -> float | None:
    died = [letter.died_at for letter, _ in letters_in(connection, settings, service) if letter.died_at]
    if not died:
        return None
    return (datetime.now(UTC) - datetime.fromisoformat(min(died))).total_seconds()


def _delivery(databases: Databases, queue: Queue) -> Delivery | None:
    event = event_of(databases.settings, queue.service, queue.name)
    try:
        return None if event is None else delivery(databases, event, queue.service)
    except CliError:  # the broker is examined all the same
        return None
