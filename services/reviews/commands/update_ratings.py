"""Updating ratings, in the transaction that changed a review."""

from typing import Any

from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert as upsert

from chassis.storage import outbox
from services.reviews.contract import RATING_CHANGED
from services.reviews.models import RATINGS
from services.reviews.ratings import RatingChange, average
from services.reviews.rendering import ReviewRow


def update_ratings(connection: Connection, review: ReviewRow, change: RatingChange) -> list[dict[str, Any]]:
    """Applies a change to the ratings of a review's provider and service; returns the outbox rows.

    The provider's row is always locked first, and a service has one provider, so two changes
    cannot deadlock.
    """
    if not change:
        return []
    # Only a new review can come before there is a rating; other changes find their row.
    first = change if change.count > 0 else RatingChange(0, 0)
    sums = {"stars_total": first.stars, "count": first.count}
    statement = upsert(RATINGS).values(
        [
            {"subject": "provider", "subject_id": review["provider_id"], **sums},
            {"subject": "service", "subject_id": review["service_id"], **sums},
        ]
    )
    changed = statement.on_conflict_do_update(
        index_elements=["subject", "subject_id"],
        set_={
            "stars_total": RATINGS.c.stars_total + change.stars,
            "count": RATINGS.c["count"] + change.count,
            "rating_version": RATINGS.c.rating_version + 1,
        },
    ).returning(*RATINGS.c)
    return [
        outbox.row(RATING_CHANGED, **row, average=average(row["stars_total"], row["count"]))
        for row in connection.execute(changed).mappings()
    ]
