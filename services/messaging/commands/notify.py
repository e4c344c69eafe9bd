"""Storing notifications: each exactly once per cause, recipient and type, with an event for the gateways."""

import json
from collections.abc import Sequence
from typing import Any

import uuid6
from sqlalchemy import Connection, text

from chassis.storage import outbox
from services.messaging import contract
from services.messaging.notifications import Notification

# People who switched a category off in the app get no notification of it.
STORE_NOTIFICATIONS = text("""
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
    RETURNING id, recipient_id, type, order_id
""")


def notify(connection: Connection, notifications: Sequence[Notification], *events: dict[str, Any]) -> None:
    """Stores the notifications that are new and wanted, and records an event for each of them.

    `events` are further outbox rows of the same cause; they are recorded in any case.
    """
    rows = [*events, *_store(connection, notifications)]
    if rows:
        outbox.record_rows(connection, rows)


def _store(connection: Connection, notifications: Sequence[Notification]) -> list[dict[str, Any]]:
    if not notifications:
        return []
    rows = json.dumps([_row(notification) for notification in notifications])
    return [
        outbox.row(
            contract.NOTIFICATION_CREATED,
            notification_id=str(stored.id),
            account_id=str(stored.recipient_id),
            type=stored.type,
            order_id=None if stored.order_id is None else str(stored.order_id),
        )
        for stored in connection.execute(STORE_NOTIFICATIONS, {"notifications": rows})
    ]


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
