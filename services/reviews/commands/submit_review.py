"""The customer submits the one review of an order."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import uuid6
from sqlalchemy import Connection, Row
from sqlalchemy.dialects.postgresql import insert

from chassis.runtime.context import Call
from chassis.storage import outbox
from chassis.storage.database import Db
from chassis.storage.idempotency import run_idempotently, run_with_first
from kit.security.tokens import Caller
from services.orders.types import Order
from services.reviews import ratings
from services.reviews.access import (
    FINAL,
    require_completed,
    require_open_for_review,
    require_role_in,
    review_exists,
)
from services.reviews.commands.update_ratings import update_ratings
from services.reviews.contract import REVIEW_SUBMITTED
from services.reviews.models import REVIEWS
from services.reviews.projections import save_order_of_answer
from services.reviews.queries import find_reviewable_order, find_reviewable_order_first
from services.reviews.rendering import ReviewRow, event_fields, render_review
from services.reviews.settings import ReviewPeriods
from services.reviews.types import Review
from services.unknown_orders import OrderUnknown, run_with_order


@dataclass(frozen=True)
class Draft:
    """A review that somebody wants to submit."""

    order_id: str
    rating: int
    text: str | None


def submit_review(
    db: Db, call: Call, get_order: Callable[..., Order], periods: ReviewPeriods, draft: Draft
) -> Review:
    """Submits the one review of an order, once per idempotency key.

    Asks orders when the events that arrived here do not say whether the order is completed.

    Raises: NotFound, Forbidden; Conflict `order_not_completed`, `review_exists`,
    `review_window_closed`; Unavailable or TimedOut when orders does not answer.
    """
    caller = call.account

    def submit_with(order: Order | None) -> Review:
        if order is not None:
            return run_idempotently(db, call, lambda c: _save_and_submit(c, caller, draft, periods, order))
        first = find_reviewable_order_first(draft.order_id)
        return run_with_first(db, call, first, lambda c, row: _submit_known(c, caller, draft, periods, row))

    return run_with_order(get_order, draft.order_id, submit_with)


def _save_and_submit(
    connection: Connection, caller: Caller, draft: Draft, periods: ReviewPeriods, order: Order
) -> Review:
    save_order_of_answer(connection, order)
    reviewable = find_reviewable_order(connection, draft.order_id)
    if reviewable is None:
        raise OrderUnknown("There is no such order or review.")
    return _submit(connection, caller, draft, periods, reviewable)


def _submit_known(
    connection: Connection, caller: Caller, draft: Draft, periods: ReviewPeriods, row: Row[Any] | None
) -> Review:
    if row is None:
        raise OrderUnknown("There is no such order or review.")
    _require_customer(row._mapping, caller)
    if row.status not in FINAL:
        raise OrderUnknown("There is no such order or review.")
    return _submit(connection, caller, draft, periods, row._mapping)


def _require_customer(reviewable: ReviewRow, caller: Caller) -> None:
    refusal = "Only the customer of an order may review it."
    require_role_in(reviewable, caller.id, caller.is_staff, "customer", refusal)


def _submit(
    connection: Connection, caller: Caller, draft: Draft, periods: ReviewPeriods, reviewable: ReviewRow
) -> Review:
    _require_customer(reviewable, caller)
    require_completed(reviewable["status"])
    if reviewable["review_id"] is not None:
        raise review_exists()
    now = datetime.now(UTC)
    require_open_for_review(reviewable["completed_at"], now, periods.submission)
    review = {**reviewable, **_insert(connection, draft, reviewable, now)}
    events = [outbox.row(REVIEW_SUBMITTED, **event_fields(review))]
    events += update_ratings(connection, review, ratings.submitted(draft.rating))
    outbox.record_rows(connection, events)
    return render_review(review, periods, now)


def _insert(connection: Connection, draft: Draft, reviewable: ReviewRow, now: datetime) -> ReviewRow:
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
        raise review_exists()
    return review
