"""Submitting, editing and answering a review. Each runs inside its caller's transaction."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import uuid6
from sqlalchemy import Connection, update
from sqlalchemy.dialects.postgresql import insert

from chassis.storage import outbox
from kit.tokens import Caller
from services.orders.types import Order
from services.reviews import access as permissions
from services.reviews import ratings
from services.reviews.commands.update_ratings import change_ratings, record_all
from services.reviews.contract import REVIEW_CHANGED, REVIEW_SUBMITTED
from services.reviews.models import REVIEWS
from services.reviews.projections import save_order_of_answer
from services.reviews.queries import find_reviewable_order, lock_review
from services.reviews.rendering import Row, render_review, tell_review
from services.reviews.settings import ReviewPeriods
from services.reviews.types import Review
from services.unknown_orders import OrderUnknown

Json = dict[str, Any]


@dataclass(frozen=True)
class Draft:
    """A review that somebody wants to submit."""

    order_id: str
    rating: int
    text: str | None


def submit(
    connection: Connection, caller: Caller, draft: Draft, periods: ReviewPeriods, order: Order | None
) -> Review:
    """Submits the one review of an order. `order` is the answer of orders, if it was asked.

    Raises: OrderUnknown when the events that arrived here do not say whether the order is
    completed; NotFound, Forbidden; Conflict `order_not_completed`, `review_exists`,
    `review_window_closed`.
    """
    if order is not None:
        save_order_of_answer(connection, order)
    reviewable = find_reviewable_order(connection, draft.order_id)
    if reviewable is None:
        raise OrderUnknown("There is no such order or review.")
    _require(caller, reviewable, "customer", "Only the customer of an order can review it.")
    if order is None and reviewable["status"] not in permissions.FINAL:
        raise OrderUnknown("There is no such order or review.")
    permissions.require_completed(reviewable["status"])
    if reviewable["review_id"] is not None:
        raise permissions.review_exists()
    now = datetime.now(UTC)
    permissions.require_open_for_review(reviewable["completed_at"], now, periods.submission)
    review = {**reviewable, **_insert(connection, draft, reviewable, now)}
    events = [outbox.row(REVIEW_SUBMITTED, **tell_review(review))]
    events += change_ratings(connection, review, ratings.submitted(draft.rating))
    record_all(connection, events)
    return render_review(review, periods, now)


def edit(
    connection: Connection, caller: Caller, review_id: str, changes: Json, periods: ReviewPeriods
) -> Review:
    """Changes rating or text; what already is so changes nothing and publishes nothing.

    Raises: NotFound, Forbidden; Conflict `review_edit_window_closed`.
    """
    before = lock_review(connection, review_id)
    _require(caller, before, "customer", "Only its author can change a review.")
    now = datetime.now(UTC)
    permissions.require_open_for_edit(before["created_at"], now, periods.editing)
    changes = {name: value for name, value in changes.items() if value != before[name]}
    if not changes:
        return render_review(before, periods, now)
    review = _change(connection, before, updated_at=now, **changes)
    change = ratings.edited(before["rating"], review["rating"], hidden=before["hidden_at"] is not None)
    told = outbox.row(REVIEW_CHANGED, change="edited", **tell_review(review))
    record_all(connection, [told, *change_ratings(connection, review, change)])
    return render_review(review, periods, now)


def answer(
    connection: Connection, caller: Caller, review_id: str, text: str, periods: ReviewPeriods
) -> Review:
    """Adds the provider's one reply.

    Raises: NotFound, Forbidden; Conflict `reply_exists`.
    """
    before = lock_review(connection, review_id)
    _require(caller, before, "provider", "Only the provider can reply to a review.")
    if before["reply_text"] is not None:
        raise permissions.reply_exists()
    now = datetime.now(UTC)
    review = _change(connection, before, updated_at=now, reply_text=text, reply_created_at=now)
    record_all(connection, [outbox.row(REVIEW_CHANGED, change="replied", **tell_review(review))])
    return render_review(review, periods, now)


def _require(caller: Caller, parties: Row, needed: permissions.Role, refusal: str) -> None:
    role = permissions.role_in_order(
        caller.id, caller.is_staff, parties["customer_id"], parties["provider_id"]
    )
    permissions.require_role(role, needed, refusal)


def _insert(connection: Connection, draft: Draft, reviewable: Row, now: datetime) -> Row:
    statement = (
        insert(REVIEWS)
        .values(
            id=str(uuid6.uuid7()),
            order_id=draft.order_id,
            provider_id=reviewable["provider_id"],
            service_id=reviewable["service_id"],
            rating=draft.rating,
            text=draft.text,
            created_at=now,
            updated_at=now,
        )
        .on_conflict_do_nothing(index_elements=["order_id"])
        .returning(*REVIEWS.c)
    )
    review = connection.execute(statement).mappings().first()
    if review is None:
        raise permissions.review_exists()
    return review


def _change(connection: Connection, before: Row, **values: Any) -> Json:
    version = before["version"] + 1
    connection.execute(update(REVIEWS).where(REVIEWS.c.id == before["id"]).values(version=version, **values))
    return {**before, **values, "version": version}
