"""The ledger sees every kind of damage: a checker that finds nothing must be known to find."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.faults.checker import acknowledged, consistency
from tests.faults.checker.databases import Databases
from tests.faults.checker.finding import Evidence, Finding
from tests.faults.load.request_log import Attempt, Outcome, RequestLog
from tests.faults.support.laboratory import Laboratory, Scene

ANY_REVIEW = "(SELECT id FROM reviews LIMIT 1)"
# What is damaged: service, statement, what the ledger says, and with which words.
DAMAGE: dict[str, tuple[str, str, str, str]] = {
    "an event was never sent": (
        "orders",
        "UPDATE outbox SET sent_at = NULL WHERE id = (SELECT max(id) FROM outbox)",
        "lost",
        "was never sent",
    ),
    "an event never arrived": (
        "reviews",
        "DELETE FROM inbox WHERE ctid = (SELECT ctid FROM inbox WHERE consumer LIKE 'accounts.%' LIMIT 1)",
        "lost",
        "never reached reviews",
    ),
    "an event came from nowhere": (
        "accounts",
        "INSERT INTO inbox VALUES ('orders.order_status_changed', gen_random_uuid())",
        "wrong",
        "which nobody sent",
    ),
    "a handler refused an event": (
        "catalog",
        "INSERT INTO failed_events (consumer, event_id, type, body, attempts, error)"
        " VALUES ('accounts.account_updated', gen_random_uuid(), 'account_updated', '{}', 1, 'ValueError')",
        "wrong",
        "failed in catalog",
    ),
    "an order vanished": (
        "orders",
        "DELETE FROM orders WHERE ctid = (SELECT ctid FROM orders LIMIT 1)",
        "lost",
        "was acknowledged as",
    ),
    "an order was placed twice": (
        "orders",
        "CREATE TEMP TABLE copied AS SELECT * FROM orders LIMIT 1;"
        " UPDATE copied SET id = gen_random_uuid(), number = 1; INSERT INTO orders SELECT * FROM copied",
        "duplicated",
        "happened 2 times",
    ),
    "a history has a gap": (
        "orders",
        "DELETE FROM order_history WHERE sequence = 2",
        "lost",
        "has gaps",
    ),
    "a status that no transition led to": (
        "orders",
        "UPDATE order_history SET to_status = 4 WHERE sequence = 1",
        "wrong",
        "is no row of the table",
    ),
    "an order is not where its history ends": (
        "orders",
        "UPDATE orders SET sequence = sequence + 1",
        "wrong",
        "its history says",
    ),
    "a transition was not told": (
        "orders",
        "DELETE FROM outbox WHERE body->>'transition' = 'approve'",
        "lost",
        "event of a transition is missing",
    ),
    "a transition was told twice": (
        "orders",
        "INSERT INTO outbox (event_id, type, body, sent_at)"
        " SELECT gen_random_uuid(), type, body, sent_at FROM outbox"
        " WHERE type = 'order_status_changed' LIMIT 1",
        "duplicated",
        "was told more than once",
    ),
    "a message vanished": (
        "messaging",
        "DELETE FROM messages WHERE ctid = (SELECT ctid FROM messages LIMIT 1)",
        "lost",
        "was acknowledged as",
    ),
    "an unread message is not counted": (
        "messaging",
        "UPDATE threads SET message_count = message_count + 1",
        "wrong",
        "messages and unread",
    ),
    "a notification vanished": (
        "messaging",
        "DELETE FROM notifications WHERE type = 'order_approved'",
        "lost",
        "notification is missing",
    ),
    "a notification came twice": (
        "messaging",
        "INSERT INTO notifications (id, cause_id, recipient_id, type, actor_name, data)"
        " SELECT gen_random_uuid(), gen_random_uuid(), recipient_id, type, actor_name, data"
        " FROM notifications LIMIT 1",
        "duplicated",
        "notification without a cause",
    ),
    "a thread is behind its order": (
        "messaging",
        "UPDATE threads SET sequence = sequence - 1",
        "lost",
        "thread of an order is missing",
    ),
    "a review slot is missing": (
        "reviews",
        "DELETE FROM review_slots WHERE order_id IN (SELECT order_id FROM review_slots LIMIT 1)",
        "lost",
        "review slot of a completed order is missing",
    ),
    "a rating is off by a star": (
        "reviews",
        "UPDATE ratings SET stars_total = stars_total - 1 WHERE stars_total > count",
        "lost",
        "rating is missing",
    ),
    "a profile shows an old rating": (
        "accounts",
        "UPDATE standings SET rating_count = rating_count + 1 WHERE rating_count > 0",
        "lost",
        "shown rating is missing",
    ),
    "a completed order is counted twice": (
        "accounts",
        "UPDATE standings SET completed_orders = completed_orders + 1 WHERE completed_orders > 0",
        "wrong",
        "number of completed orders",
    ),
    "a reply vanished": (
        "reviews",
        "UPDATE reviews SET reply_text = NULL, reply_created_at = NULL",
        "lost",
        "reply m",
    ),
    "a review was edited twice": (
        "reviews",
        f"UPDATE reviews SET version = version + 1 WHERE id = {ANY_REVIEW}",
        "duplicated",
        "rating of",
    ),
    "a service was posted by nobody": (
        "catalog",
        "UPDATE services SET title = 'Proofreading'",
        "wrong",
        "was never asked for",
    ),
    "an order costs what nobody offered": (
        "orders",
        "UPDATE orders SET price_minor = 1",
        "lost",
        "offer of an order",
    ),
    "an order costs what its customer did not see": (
        "orders",
        "UPDATE orders SET price_minor = price_minor + 1",
        "wrong",
        "its customer wrote",
    ),
    "a price never arrived": (
        "orders",
        "UPDATE offers SET price_minor = 1",
        "lost",
        "offer in orders is missing",
    ),
    "an offer came from nowhere": (
        "orders",
        "UPDATE offers SET service_id = gen_random_uuid()",
        "wrong",
        "offer in orders without a cause",
    ),
    "a name never arrived": (
        "orders",
        "UPDATE account_names SET display_name = 'Somebody'",
        "lost",
        "name in orders is missing",
    ),
    "a due vanished": (
        "payments",
        "DELETE FROM dues WHERE ctid = (SELECT ctid FROM dues LIMIT 1)",
        "lost",
        "due of an order is missing",
    ),
    "an order shows another payment status": (
        "orders",
        "UPDATE orders SET payment_status = 'refunded' WHERE status = 4",
        "lost",
        "payment status of an order is missing",
    ),
    "a charge was never recorded": (
        "payments",
        "INSERT INTO sandbox.charges (key, token, order_id, amount_minor, currency, method, state)"
        " VALUES ('payment-x', 'x', 'x', 1, 'EUR', 'sandbox_ok', 'captured')",
        "lost",
        "capture of a charge is missing",
    ),
    "a balance is off by a cent": (
        "payments",
        "UPDATE balances SET available_minor = available_minor + 1",
        "wrong",
        "is not its entries",
    ),
    "an order was paid twice": (
        "payments",
        "CREATE TEMP TABLE copied AS SELECT * FROM payments LIMIT 1;"
        " UPDATE copied SET id = gen_random_uuid(), key = 'copied';"
        " DROP INDEX payments_live; INSERT INTO payments SELECT * FROM copied",
        "duplicated",
        "payment of",
    ),
    "money came from nowhere": (
        "payments",
        "INSERT INTO ledger_entries (movement_id, account, owner_id, amount_minor, currency)"
        " VALUES (gen_random_uuid(), 'provider_available', gen_random_uuid(), 1, 'EUR')",
        "wrong",
        "EUR sums to 1",
    ),
    "a key was claimed without an answer": (
        "orders",
        "UPDATE idempotency SET answer = NULL",
        "wrong",
        "has no answer",
    ),
}


async def _nothing(scene: Scene) -> None:
    """People go on until somebody has reviewed, somebody has replied and somebody has paid."""
    while not {"reply", "rating", "refund"} <= {
        attempt.kind for attempt in scene.marketplace.request_log.attempts
    }:
        await scene.load.progress(10)


@pytest.fixture(scope="module")
def lived_in(laboratory: Laboratory) -> Laboratory:
    """A laboratory in which people have done everything there is to do, and nothing went wrong."""
    laboratory.run("nothing", _nothing)
    return laboratory


@pytest.fixture
def databases(lived_in: Laboratory) -> Iterator[Databases]:
    """Open transactions that are rolled back; triggers and foreign keys look away."""
    with lived_in.marketplace.reading() as databases:
        yield databases


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_found(lived_in: Laboratory, databases: Databases, name: str) -> None:
    service, statement, kind, words = DAMAGE[name]
    assert said(databases, lived_in, kind, words) == [], "before the damage"
    databases.change(service, "SET LOCAL session_replication_role = replica")
    assert databases.change(service, statement) > 0
    assert said(databases, lived_in, kind, words)


def said(databases: Databases, laboratory: Laboratory, kind: str, words: str) -> list[Finding]:
    """What the ledger says of a kind and with these words."""
    found = consistency.check(Evidence(databases.rows, laboratory.marketplace.request_log))
    return [finding for finding in found if finding.kind == kind and words in finding.sentence]


def kinds(outcome: Outcome, effects: list[str]) -> list[str]:
    """The kinds of findings for one message, answered so and found under these ids."""
    request_log = RequestLog()
    request_log.attempts.append(Attempt("message", "m0000000", "an order", outcome, "its id"))

    def rows(_service: str, query: str) -> list[tuple[Any, ...]]:
        wanted = query == acknowledged.MARKED["message"][1]
        return [(effect, "I said m0000000") for effect in effects] if wanted else []

    return [finding.kind for finding in acknowledged.marked_effects(Evidence(rows, request_log))]


@pytest.mark.parametrize(
    ("outcome", "effects", "expected"),
    [
        ("acknowledged", ["its id"], []),
        ("acknowledged", [], ["lost"]),
        ("acknowledged", ["another id"], ["wrong"]),
        ("acknowledged", ["its id", "another id"], ["duplicated"]),
        ("refused", [], []),
        ("refused", ["its id"], ["wrong"]),
        ("unknown", [], []),
        ("unknown", ["its id"], []),
        ("unknown", ["its id", "another id"], ["duplicated"]),
    ],
)
def test_an_answer_decides_what_must_be_there(
    outcome: Outcome, effects: list[str], expected: list[str]
) -> None:
    assert kinds(outcome, effects) == expected
