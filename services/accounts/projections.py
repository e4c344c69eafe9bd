"""Projections of other services' data: completed orders and ratings of people as providers."""

from sqlalchemy import Connection

from services.accounts import statements
from services.orders.contract import Status
from services.orders.types import OrderStatusChanged
from services.reviews.types import RatingChanged


def count_completed_order(connection: Connection, event: OrderStatusChanged) -> None:
    """Counts an order for its provider when it reaches status 4: once, however often the event arrives."""
    if event["to_status"] == Status.COMPLETED:
        connection.execute(
            statements.COUNT_COMPLETED,
            {
                "order_id": event["order_id"],
                "provider_id": event["provider"]["id"],
                "completed_at": event["completed_at"] or event["occurred_at"],
            },
        )


def save_rating(connection: Connection, event: RatingChanged) -> None:
    """Stores a provider's rating, unless a newer one is known; ratings of services are ignored."""
    if event["subject"] == "provider":
        rating = {
            "subject_id": event["subject_id"],
            "count": event["count"],
            "average": event["average"],
            "rating_version": event["rating_version"],
        }
        connection.execute(statements.SAVE_RATING, rating)
