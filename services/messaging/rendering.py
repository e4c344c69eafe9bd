"""From rows to the JSON of api.md."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row

from kit.validation import rfc3339
from services.messaging.contract import CATEGORIES


def render_message(row: Row[Any]) -> dict[str, Any]:
    """A message with its author's current name."""
    return {
        "id": str(row.id),
        "order_id": str(row.order_id),
        "author": {"id": str(row.author_id), "display_name": row.author_name},
        "body": row.body,
        "created_at": rfc3339(row.created_at),
        "read_at": _time(row.read_at),
    }


def render_thread(row: Row[Any]) -> dict[str, Any]:
    """One line of the inbox, seen by one of the two parties."""
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


def render_notification(row: Row[Any]) -> dict[str, Any]:
    """A notification as its recipient sees it."""
    return {
        "id": row.id,
        "type": row.type,
        "order_id": row.order_id,
        "actor": {"id": row.actor_id, "display_name": row.actor_name},
        "data": row.data,
        "created_at": rfc3339(row.created_at),
        "read_at": _time(row.read_at),
    }


def render_preferences(row: Row[Any] | None) -> dict[str, Any]:
    """A person's preferences; without a stored row everything is on."""
    stored = {} if row is None else row._mapping
    return {
        category: {channel: stored.get(f"{category}_{channel}", True) for channel in ("in_app", "email")}
        for category in CATEGORIES
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)
