"""Updating the row of a review, in the caller's transaction."""

from typing import Any

from sqlalchemy import Connection, update

from services.reviews.models import REVIEWS
from services.reviews.rendering import ReviewRow


def update_review(connection: Connection, before: ReviewRow, **values: Any) -> ReviewRow:
    """Sets columns of a locked review and raises its version; returns the new row."""
    version = before["version"] + 1
    connection.execute(update(REVIEWS).where(REVIEWS.c.id == before["id"]).values(version=version, **values))
    return {**before, **values, "version": version}
