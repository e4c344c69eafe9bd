"""A review as the public API shows it, and as events carry it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeAlias

from kit.validation import rfc3339
from services.reviews.access import actions_on_review, edit_deadline
from services.reviews.settings import ReviewPeriods
from services.reviews.types import Reply, Review, ReviewSubmittedFields

ReviewRow: TypeAlias = Mapping[Any, Any]
"""The columns of a review with those of its order: its parties with current names, its service."""


def render_review(row: ReviewRow, periods: ReviewPeriods, now: datetime) -> Review:
    """Returns a review as the contract describes it, with what may be done with it `now`."""
    edit_by = edit_deadline(row["created_at"], periods.editing)
    reply: Reply | None = None
    if row["reply_text"] is not None:
        reply = {"text": row["reply_text"], "created_at": rfc3339(row["reply_created_at"])}
    return {
        "id": row["id"],
        "order_id": row["order_id"],
        "service_id": row["service_id"],
        "service_title": row["service_title"],
        "rating": row["rating"],
        "text": row["text"],
        "author": {"id": row["customer_id"], "display_name": row["customer_name"]},
        "provider": {"id": row["provider_id"], "display_name": row["provider_name"]},
        "reply": reply,
        "hidden": row["hidden_at"] is not None,
        "created_at": rfc3339(row["created_at"]),
        "updated_at": rfc3339(row["updated_at"]),
        "version": row["version"],
        "available_actions": actions_on_review(edit_by, reply is not None, now),
        "edit_by": rfc3339(edit_by),
    }


def event_fields(row: ReviewRow) -> ReviewSubmittedFields:
    """Returns the members that every event about a review carries."""
    return {
        "review_id": row["id"],
        "order_id": row["order_id"],
        "service": {"id": row["service_id"], "title": row["service_title"]},
        "rating": row["rating"],
        "customer": {"id": row["customer_id"], "display_name": row["customer_name"]},
        "provider": {"id": row["provider_id"], "display_name": row["provider_name"]},
        "review_version": row["version"],
    }
