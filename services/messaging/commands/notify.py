"""Storing notifications: each exactly once per cause, recipient and type, with an event for the gateways."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import uuid6
from sqlalchemy import Connection, TextClause, text

from chassis.storage import outbox
from services.messaging import contract
from services.messaging.notifications import Notification
from services.messaging.projections import THREAD_PARTS, thread_of_event
from services.orders.types import OrderStatusChanged

# People who switched a category off in the app get no notification of it, and gateways no event.
_NOTIFICATION_PARTS = """
    stored AS (
        INSERT INTO notifications (id, cause_id, recipient_id, type, order_id, actor_id, actor_name, data)
        SELECT new.id, new.cause_id, new.recipient_id, new.type, new.order_id, new.actor_id,
               new.actor_name, new.data
        FROM jsonb_to_recordset(CAST(:notifications AS jsonb)) AS new (
            id uuid, cause_id uuid, recipient_id uuid, type text, order_id uuid, actor_id uuid,
            actor_name text, data jsonb, category text)
        LEFT JOIN preferences ON preferences.account_id = new.recipient_id
        WHERE coalesce(CASE new.category
            WHEN 'order_updates' THEN order_updates_in_app
            WHEN 'messages' THEN messages_in_app
            WHEN 'reviews' THEN reviews_in_app
            WHEN 'payments' THEN payments_in_app
        END, true)
        ORDER BY new.recipient_id
        ON CONFLICT DO NOTHING
        RETURNING id
    )
    INSERT INTO outbox (event_id, type, body, context)
    SELECT event.event_id, event.type, event.body, event.context
    FROM jsonb_to_recordset(CAST(:events AS jsonb)) AS event (
        event_id uuid, type text, body jsonb, context jsonb, notification_id uuid)
    WHERE event.notification_id IS NULL OR event.notification_id IN (SELECT id FROM stored)
    RETURNING id, CAST(event_id AS text) AS event_id
"""
NOTIFY = text(f"WITH {_NOTIFICATION_PARTS}")
FOLLOW_ORDER = text(f"WITH {THREAD_PARTS}, {_NOTIFICATION_PARTS}")


def notify(connection: Connection, notifications: Sequence[Notification], *events: outbox.Row) -> None:
    """Stores the notifications that are new and wanted, and records an event for each of them.

    `events` are further outbox rows of the same cause; they are recorded in any case.
    """
    if notifications or events:
        _store(connection, NOTIFY, {}, notifications, events)


def follow_order(
    connection: Connection, event: OrderStatusChanged, notifications: Sequence[Notification]
) -> None:
    """Applies an `order_status_changed` to its thread, unless a later state is known, and notifies."""
    _store(connection, FOLLOW_ORDER, thread_of_event(event), notifications, ())


def _store(
    connection: Connection,
    statement: TextClause,
    parameters: Mapping[str, Any],
    notifications: Sequence[Notification],
    events: Sequence[outbox.Row],
) -> None:
    rows = [_row(notification) for notification in notifications]
    recorded = [*events, *map(_announcement, rows)]
    announced = [{**event, "notification_id": event["body"].get("notification_id")} for event in recorded]
    values = {**parameters, "notifications": json.dumps(rows), "events": json.dumps(announced)}
    by_id = {event["event_id"]: event for event in recorded}
    for inserted in connection.execute(statement, values):
        outbox.mark(connection, by_id[inserted.event_id], inserted.id)


def _announcement(row: Mapping[str, Any]) -> outbox.Row:
    return outbox.row(
        contract.NOTIFICATION_CREATED,
        notification_id=row["id"],
        account_id=row["recipient_id"],
        type=row["type"],
        order_id=row["order_id"],
    )


def _row(notification: Notification) -> dict[str, Any]:
    return {
        "id": str(uuid6.uuid7()),
        "cause_id": notification.cause_id,
        "recipient_id": notification.recipient_id,
        "type": notification.type,
        "order_id": notification.order_id,
        "actor_id": notification.actor_id,
        "actor_name": notification.actor_name,
        "data": notification.data,
        "category": notification.category,
    }
