"""Notifications from their making to their reading.

Each is stored exactly once per cause, recipient and type, and the gateways are told of it.
"""

import json
from collections.abc import Sequence
from typing import Any

import uuid6
from sqlalchemy import Connection, func, insert, null, text, update

from chassis.storage import outbox
from chassis.storage.tables import OUTBOX
from kit.errors import NotFound
from services.messaging import contract
from services.messaging.models import NOTIFICATIONS
from services.messaging.notifications import Notification
from services.messaging.rendering import render_notification

_OWN = NOTIFICATIONS.c

# Whoever switched a category off in the app gets nothing stored for it.
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


def deliver(
    connection: Connection, notifications: Sequence[Notification], *announcements: dict[str, Any]
) -> None:
    """Stores the notifications that are new and wanted, and records an event for each of them.

    `announcements` are further outbox rows of the same cause; they go out in any case.
    """
    events = [*announcements, *_stored(connection, notifications)]
    if events:
        connection.execute(insert(OUTBOX), events)
        outbox.mark(connection)


def mark_notification(
    connection: Connection, account_id: str, notification_id: str, read: bool
) -> dict[str, Any]:
    """Marks one's own notification read (the first time counts) or unread again.

    Raises: NotFound, also for another person's.
    """
    read_at = func.coalesce(_OWN.read_at, func.now()) if read else null()
    marked = connection.execute(
        update(NOTIFICATIONS)
        .where(_OWN.id == notification_id, _OWN.recipient_id == account_id)
        .values(read_at=read_at)
        .returning(NOTIFICATIONS)
    ).first()
    if marked is None:
        raise NotFound("There is no such notification.")
    return render_notification(marked)


def mark_all_read(connection: Connection, account_id: str, order_id: str | None) -> None:
    """Marks as read what the person has by now, or of it what is about an order; what comes stays unread."""
    marking = update(NOTIFICATIONS).where(_OWN.recipient_id == account_id, _OWN.read_at.is_(None))
    if order_id is not None:
        marking = marking.where(_OWN.order_id == order_id)
    connection.execute(marking.values(read_at=func.now()))


def _stored(connection: Connection, notifications: Sequence[Notification]) -> list[dict[str, Any]]:
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
