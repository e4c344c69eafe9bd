"""Reads the tables of each service about the orders of one run, and compares them with the model."""

from collections import Counter
from typing import Any

import sqlalchemy as sa

from tests.model.reference import Marketplace
from tests.support.service_harness import Harness

Rows = Counter[tuple[Any, ...]]
OWN = "= ANY (CAST(:orders AS uuid[]))"
LISTS: dict[str, dict[str, tuple[str, str]]] = {
    "orders": {
        "orders": (
            "id, status, version, sequence, revisions_used, disputed_at IS NOT NULL, payment_status",
            f"orders WHERE id {OWN}",
        ),
        "history": (
            "order_id, sequence, transition, from_status, to_status, actor_id, actor_role, reason",
            f"order_history WHERE order_id {OWN}",
        ),
    },
    "messaging": {
        "threads": (
            "order_id, order_status, message_count, customer_unread, provider_unread",
            f"threads WHERE order_id {OWN}",
        ),
        "messages": (
            "order_id, position, id, author_id, body, read_at IS NOT NULL",
            f"messages WHERE order_id {OWN}",
        ),
        "notifications": (
            "cause_id, recipient_id, type, order_id, read_at IS NOT NULL",
            f"notifications WHERE order_id {OWN}",
        ),
    },
    "reviews": {
        "reviews": ("id, order_id, rating, text, reply_text, version", f"reviews WHERE order_id {OWN}"),
        "ratings": (
            "subject, subject_id, stars_total, count, rating_version",
            "ratings WHERE subject_id = ANY (CAST(:subjects AS uuid[]))",
        ),
    },
}
OUTBOX = ("id, type, body", "outbox WHERE id > :after")


def _statement(service: str) -> sa.TextClause:
    lists = {**LISTS[service], "outbox": OUTBOX}
    each = (
        f"'{name}', (SELECT coalesce(jsonb_agg(jsonb_build_array({columns})), '[]') FROM {source})"
        for name, (columns, source) in lists.items()
    )
    return sa.text(f"SELECT jsonb_build_object({', '.join(each)})")


STATEMENTS = {service: _statement(service) for service in LISTS}


def read_tables(service: Harness, model: Marketplace, after: int) -> dict[str, list[list[Any]]]:
    """The tables now, with the events recorded since the one with the id `after`."""
    subjects = {id_ for order in model.orders.values() for id_ in (order.provider_id, order.service_id)}
    values = {"orders": list(model.orders), "subjects": list(subjects), "after": after}
    known = {name: value for name, value in values.items() if f":{name}" in STATEMENTS[service.name].text}
    found: dict[str, list[list[Any]]] = service.db.read(
        lambda connection: connection.execute(STATEMENTS[service.name], known).scalar_one()
    )
    return found


def assert_tables(service: str, seen: dict[str, list[list[Any]]], model: Marketplace) -> None:
    """Asserts that every table has exactly the rows of the model."""
    expected = {"orders": _orders, "messaging": _messaging, "reviews": _reviews}[service](model)
    for name, rows in expected.items():
        found = Counter(tuple(row) for row in seen[name])
        assert found == rows, f"{name}: only there {found - rows}, missing {rows - found}"


def _orders(model: Marketplace) -> dict[str, Rows]:
    orders = (
        (
            order.id,
            order.status,
            order.version,
            order.version,
            order.revisions_used,
            order.disputed_at is not None,
            order.payment_status,
        )
        for order in model.orders.values()
    )
    lines = (
        (
            order.id,
            n,
            line.transition,
            line.from_status,
            line.to_status,
            line.actor_id,
            line.role,
            line.reason,
        )
        for order in model.orders.values()
        for n, line in enumerate(order.history, start=1)
    )
    return {"orders": Counter(orders), "history": Counter(lines)}


def _messaging(model: Marketplace) -> dict[str, Rows]:
    threads = (
        (
            id_,
            known.status,
            len(model.messages[id_]),
            model.unread(model.orders[id_], model.orders[id_].customer_id),
            model.unread(model.orders[id_], model.orders[id_].provider_id),
        )
        for id_, known in model.threads.items()
    )
    messages = (
        (order_id, n, message.id, message.author_id, message.body, message.read)
        for order_id, messages in model.messages.items()
        for n, message in enumerate(messages, start=1)
    )
    notifications = ((n.cause, n.recipient_id, n.type, n.order_id, n.read) for n in model.notifications)
    return {
        "threads": Counter(threads),
        "messages": Counter(messages),
        "notifications": Counter(notifications),
    }


def _reviews(model: Marketplace) -> dict[str, Rows]:
    reviews = (
        (review.id, review.order.id, review.rating, review.text, review.reply, review.version)
        for review in model.reviews.values()
    )
    ratings = ((*subject, *sums) for subject, sums in model.ratings.items())
    return {"reviews": Counter(reviews), "ratings": Counter(ratings)}
