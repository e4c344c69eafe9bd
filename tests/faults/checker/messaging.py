"""Threads, messages and notifications follow from orders, messages and reviews: one each, no more."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

from tests.faults.checker.finding import Evidence, Finding, differences
from tests.support.notification_types import TYPE_OF_TRANSITION


class Notice(NamedTuple):
    """A notification: what caused it, whom it tells, what."""

    cause_id: str
    recipient_id: str
    type: str


TRANSITIONS = """
    SELECT outbox.event_id::text, history.transition, history.actor_role,
           orders.customer_id::text, orders.provider_id::text
    FROM order_history AS history
    JOIN orders ON orders.id = history.order_id
    JOIN outbox ON outbox.type = 'order_status_changed'
     AND outbox.body->>'order_id' = history.order_id::text
     AND (outbox.body->>'sequence')::integer = history.sequence
"""
REMINDERS = """
    SELECT event_id::text, body->'customer'->>'id' FROM outbox WHERE type = 'order_reminder_due'
"""
MESSAGES = """
    SELECT messages.id::text, outbox.event_id::text,
           CASE WHEN author_id = customer_id THEN provider_id ELSE customer_id END::text
    FROM messages
    JOIN threads USING (order_id)
    LEFT JOIN outbox ON outbox.type = 'message_posted' AND outbox.body->>'message_id' = messages.id::text
"""
REVIEW_EVENTS = """
    SELECT event_id::text, type, body->>'change', body->'customer'->>'id', body->'provider'->>'id'
    FROM outbox WHERE type IN ('review_submitted', 'review_changed')
"""
PAYMENT_EVENTS = """
    SELECT event_id::text, body->>'change', body->'customer'->>'id', body->'provider'->>'id'
    FROM outbox WHERE type = 'payment_changed'
"""
PAYOUT_EVENTS = """
    SELECT event_id::text, body->'provider'->>'id'
    FROM outbox WHERE type = 'payout_changed' AND body->>'status' <> 'processing'
"""
NOTIFICATIONS = "SELECT cause_id::text, recipient_id::text, type FROM notifications"
THREADS = "SELECT order_id::text, customer_id::text, provider_id::text, order_status, sequence FROM threads"
ORDERS = "SELECT id::text, customer_id::text, provider_id::text, status, sequence FROM orders"
UNREAD = """
    SELECT order_id::text, message_count, customer_unread, provider_unread,
           (SELECT count(*) FROM messages AS m WHERE m.order_id = t.order_id),
           (SELECT count(*) FROM messages AS m
            WHERE m.order_id = t.order_id AND author_id = provider_id AND read_at IS NULL),
           (SELECT count(*) FROM messages AS m
            WHERE m.order_id = t.order_id AND author_id = customer_id AND read_at IS NULL)
    FROM threads AS t
"""
POSITIONS = """
    SELECT order_id::text FROM messages GROUP BY order_id
    HAVING count(*) <> max(position) OR min(position) <> 1 OR count(DISTINCT position) <> count(*)
"""
ANNOUNCED = """
    SELECT notifications.id::text, count(outbox.id)
    FROM notifications
    LEFT JOIN outbox ON outbox.type = 'notification_created'
     AND outbox.body->>'notification_id' = notifications.id::text
    GROUP BY 1 HAVING count(outbox.id) <> 1
"""


def threads_are_the_orders(evidence: Evidence) -> Iterator[Finding]:
    """One thread for each order, of the same people, at the same status."""
    yield from differences(
        "thread of an order", set(evidence.rows("orders", ORDERS)), set(evidence.rows("messaging", THREADS))
    )


def notifications_have_one_cause(evidence: Evidence) -> Iterator[Finding]:
    """Exactly one for each cause and recipient that domain.md names."""
    expected = {
        *_of_transitions(evidence),
        *_of_messages(evidence),
        *_of_reviews(evidence),
        *_of_payments(evidence),
        *(Notice(event, who, "payout_changed") for event, who in evidence.rows("payments", PAYOUT_EVENTS)),
        *(Notice(event, who, "order_reminder") for event, who in evidence.rows("orders", REMINDERS)),
    }
    found = Counter(Notice(*row) for row in evidence.rows("messaging", NOTIFICATIONS))
    yield from differences("notification", expected, set(found), extra="duplicated")
    for notice, number in found.items():
        if number > 1:
            yield Finding("duplicated", f"{notice} is there {number} times")


def messages_are_published_once(evidence: Evidence) -> Iterator[Finding]:
    """One `message_posted` for each message."""
    found = Counter(id_ for id_, event_id, _ in evidence.rows("messaging", MESSAGES) if event_id)
    for id_ in {id_ for id_, *_ in evidence.rows("messaging", MESSAGES)} - set(found):
        yield Finding("lost", f"message {id_} has no event")
    for id_, number in found.items():
        if number > 1:
            yield Finding("duplicated", f"message {id_} was told {number} times")


def notifications_are_published_once(evidence: Evidence) -> Iterator[Finding]:
    """One `notification_created` for each notification."""
    for id_, number in evidence.rows("messaging", ANNOUNCED):
        yield Finding("duplicated" if number else "lost", f"notification {id_} was told {number} times")


def messages_are_counted(evidence: Evidence) -> Iterator[Finding]:
    """A thread's counters are what counting gives, and its positions have no gaps."""
    for order_id, *counters in evidence.rows("messaging", UNREAD):
        kept, counted = counters[:3], counters[3:]
        if kept != counted:
            yield Finding("wrong", f"thread {order_id} says {kept} messages and unread, there are {counted}")
    for (order_id,) in evidence.rows("messaging", POSITIONS):
        yield Finding("wrong", f"positions of the messages of {order_id} have gaps")


def _of_transitions(evidence: Evidence) -> Iterator[Notice]:
    for event_id, transition, role, customer, provider in evidence.rows("orders", TRANSITIONS):
        both = {"customer": [provider], "provider": [customer]}
        for recipient in both.get(role, [customer, provider]):
            yield Notice(event_id, recipient, TYPE_OF_TRANSITION[transition])


def _of_messages(evidence: Evidence) -> Iterator[Notice]:
    for _, event_id, recipient in evidence.rows("messaging", MESSAGES):
        if event_id:
            yield Notice(event_id, recipient, "message_posted")


def _of_reviews(evidence: Evidence) -> Iterator[Notice]:
    for event_id, type_, change, customer, provider in evidence.rows("reviews", REVIEW_EVENTS):
        if type_ == "review_submitted":
            yield Notice(event_id, provider, "review_submitted")
        elif change == "replied":
            yield Notice(event_id, customer, "review_replied")


def _of_payments(evidence: Evidence) -> Iterator[Notice]:
    for event_id, change, customer, provider in evidence.rows("payments", PAYMENT_EVENTS):
        recipients = {
            "due": ("payment_due", [customer]),
            "reminded": ("payment_due", [customer]),
            "paid": ("payment_paid", [customer, provider]),
            "failed": ("payment_failed", [customer]),
            "refunded": ("payment_refunded", [customer, provider]),
        }
        type_, who = recipients.get(change, ("", []))
        for recipient in who:
            yield Notice(event_id, recipient, type_)


RULES: tuple[Callable[[Evidence], Iterator[Finding]], ...] = (
    threads_are_the_orders,
    notifications_have_one_cause,
    messages_are_published_once,
    notifications_are_published_once,
    messages_are_counted,
)
