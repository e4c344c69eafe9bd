"""Every event reaches every durable consumer, once, and none waits or comes from nowhere."""

from collections.abc import Callable, Iterator

from tests.faults.checker.finding import Evidence, Finding
from tests.journeys import ledger
from tests.support import codebase


def every_event_is_sent(evidence: Evidence) -> Iterator[Finding]:
    """The outboxes hold nothing that the broker has not confirmed."""
    for owner in codebase.SERVICES:
        query = "SELECT type, event_id::text FROM outbox WHERE sent_at IS NULL"
        for type_, event_id in evidence.rows(owner, query):
            yield Finding("lost", f"{type_} {event_id} of {owner} was never sent")


def every_event_is_processed(evidence: Evidence) -> Iterator[Finding]:
    """Each consumer's inbox has a row for each event of its contracts."""
    for consumer, event, event_id in sorted(ledger.unconsumed(evidence.rows)):
        if event_id not in evidence.expected_failures:
            yield Finding("lost", f"{event} {event_id} never reached {consumer}")


def nothing_unpublished_is_processed(evidence: Evidence) -> Iterator[Finding]:
    """An inbox row has its outbox row."""
    sent = {
        (f"{owner}.{type_}", event_id)
        for owner in codebase.SERVICES
        for type_, event_id in evidence.rows(owner, "SELECT type, event_id::text FROM outbox")
    }
    for service in codebase.SERVICES:
        for event, event_id in evidence.rows(service, "SELECT consumer, event_id::text FROM inbox"):
            if (event, event_id) not in sent:
                yield Finding("wrong", f"{service} took {event} {event_id}, which nobody sent")


def no_event_failed(evidence: Evidence) -> Iterator[Finding]:
    """No handler refused an event, except those that were meant to be refused."""
    for service in codebase.SERVICES:
        for event, event_id, error in evidence.rows(
            service, "SELECT consumer, event_id::text, error FROM failed_events"
        ):
            if event_id not in evidence.expected_failures:
                yield Finding("wrong", f"{event} {event_id} failed in {service}: {error.splitlines()[0]}")


RULES: tuple[Callable[[Evidence], Iterator[Finding]], ...] = (
    every_event_is_sent,
    every_event_is_processed,
    nothing_unpublished_is_processed,
    no_event_failed,
)
