"""Rows as the JSON of the public contract."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row

from kit.validation import rfc3339
from services.messaging.types import Channels, Message, Notification, Preferences, Thread


def render_message(row: Row[Any]) -> Message:
    """Returns a message with its author's current name."""
    return {
        "id": str(row.id),
        "order_id": str(row.order_id),
        "author": {"id": str(row.author_id), "display_name": row.author_name},
        "body": row.body,
        "created_at": rfc3339(row.created_at),
        "read_at": _time(row.read_at),
    }


def render_thread(row: Row[Any]) -> Thread:
    """Returns one line of the inbox, as one of the two parties sees it."""
    return {
        "order_id": str(row.order_id),
        "order": {
            "id": str(row.order_id),
            "number": row.order_number,
            "status": row.order_status,
            "service": {"id": str(row.service_id), "title": row.service_title},
        },
        "other_party": {"id": str(row.other_id), "display_name": row.other_name},
        "last_message": None if row.id is None else render_message(row),
        "unread_count": row.unread_count,
        "updated_at": rfc3339(row.updated_at),
    }


def render_notification(row: Row[Any]) -> Notification:
    """Returns a notification as its recipient sees it."""
    return {
        "id": row.id,
        "type": row.type,
        "order_id": row.order_id,
        "actor": {"id": row.actor_id, "display_name": row.actor_name},
        "data": row.data,
        "created_at": rfc3339(row.created_at),
        "read_at": _time(row.read_at),
    }


def render_preferences(row: Row[Any] | None) -> Preferences:
    """Returns a person's preferences; without a stored row everything is on."""
    stored = {} if row is None else row._mapping

    def channels(category: str) -> Channels:
        return {
            "in_app": stored.get(f"{category}_in_app", True),
            "email": stored.get(f"{category}_email", True),
        }

    return {
        "order_updates": channels("order_updates"),
        "messages": channels("messages"),
        "reviews": channels("reviews"),
        "payments": channels("payments"),
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)
