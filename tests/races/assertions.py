"""Assertions about the databases after races: one history per order, one notification per recipient."""

import itertools
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import psycopg2

from client import MarketplaceClient
from client.resources import Order
from kit.settings import Settings
from tests.races.race import Answer
from tests.support.servers import eventually

Json = dict[str, Any]
RECIPIENTS = {"customer": ("provider",), "provider": ("customer",), "system": ("customer", "provider")}


class Databases:
    """The databases of the marketplace that races."""

    def __init__(self, servers: Settings) -> None:
        self._url = servers.database_url

    def rows(self, service: str, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Rows of a service's database; a statement without rows gives none."""
        with closing(psycopg2.connect(self._url.replace("{service}", service))) as connection:
            connection.autocommit = True
            cursor = connection.cursor()
            cursor.execute(query, values)
            return list(cursor.fetchall()) if cursor.description else []

    def assert_notified_once(self, order_ids: Sequence[str]) -> None:
        """Each line of history is one event, and each event one notification per recipient."""
        events = self._events(order_ids)
        lines = self.rows(
            "orders",
            "SELECT order_id::text, sequence FROM order_history WHERE order_id = ANY (%s::uuid[])",
            list(order_ids),
        )
        assert Counter((e["order_id"], e["sequence"]) for e in events) == Counter(lines)
        expected = Counter(
            (event["event_id"], event[role]["id"])
            for event in events
            for role in RECIPIENTS[event["actor"]["role"]]
        )
        eventually(lambda: self._notifications(order_ids).keys() >= expected.keys(), 60, "every notification")
        assert self._notifications(order_ids) == expected

    def _events(self, order_ids: Sequence[str]) -> list[Json]:
        query = "SELECT body FROM outbox WHERE type = 'order_status_changed' AND body->>'order_id' = ANY (%s)"
        return [body for (body,) in self.rows("orders", query, list(order_ids))]

    def _notifications(self, order_ids: Sequence[str]) -> Counter[Any]:
        query = (
            "SELECT cause_id::text, recipient_id::text FROM notifications WHERE order_id = ANY (%s::uuid[])"
            " AND type NOT IN ('message_posted', 'review_submitted', 'review_replied', 'order_reminder')"
            " AND type NOT LIKE 'payment_%%'"
        )
        return Counter(self.rows("messaging", query, list(order_ids)))


async def assert_consistent_history(
    reader: MarketplaceClient, order: Order, new_steps: int
) -> tuple[Order, str]:
    """The history is gapless and has gained so many lines; the order now and its last transition."""
    lines = [line async for line in reader.all_of(f"/v1/orders/{order['id']}/transitions")]
    seen = await reader.order(order["id"])
    steps = order["version"] + new_steps
    assert [line["sequence"] for line in lines] == list(range(1, steps + 1))
    assert all(a["to_status"] == b["from_status"] for a, b in itertools.pairwise(lines))
    assert (seen["version"], seen["status"]) == (steps, lines[-1]["to_status"])
    return seen, lines[-1]["transition"]


def assert_refused(answer: Answer, seen: Order) -> None:
    """The documented refusal: the status now, and what this caller may still do."""
    assert (answer.status, answer.code) == (409, "invalid_transition"), answer
    assert answer.body["current_status"] == seen["status"]
    assert answer.body["available_transitions"] == seen["available_transitions"]
