"""Updating ratings, in the transaction that changed a review."""

from typing import Any

from sqlalchemy import Connection, text

from chassis.storage import outbox
from services.reviews.contract import RATING_CHANGED
from services.reviews.models import RATINGS
from services.reviews.ratings import RatingChange, average
from services.reviews.rendering import ReviewRow

# The provider's row always comes first, and a service has one provider, so two changes cannot deadlock.
CHANGE_RATINGS = text("""
    INSERT INTO ratings (subject, subject_id, stars_total, count)
    VALUES ('provider', :provider_id, :first_stars, :first_count),
           ('service', :service_id, :first_stars, :first_count)
    ON CONFLICT (subject, subject_id) DO UPDATE
        SET stars_total = ratings.stars_total + :stars,
            count = ratings.count + :count,
            rating_version = ratings.rating_version + 1
    RETURNING subject, subject_id, stars_total, count, rating_version
""").columns(*RATINGS.c)


def update_ratings(connection: Connection, review: ReviewRow, change: RatingChange) -> list[dict[str, Any]]:
    """Applies a change to the ratings of a review's provider and service; returns the outbox rows."""
    if not change:
        return []
    # Only a new review can come before there is a rating; other changes find their row.
    first = change if change.count > 0 else RatingChange(0, 0)
    parameters = {
        "provider_id": review["provider_id"],
        "service_id": review["service_id"],
        "first_stars": first.stars,
        "first_count": first.count,
        "stars": change.stars,
        "count": change.count,
    }
    return [
        outbox.row(RATING_CHANGED, **row, average=average(row["stars_total"], row["count"]))
        for row in connection.execute(CHANGE_RATINGS, parameters).mappings()
    ]
