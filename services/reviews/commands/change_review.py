"""The author changes a review. Runs inside its caller's transaction."""

from collections.abc import Mapping
from datetime import UTC, datetime

from sqlalchemy import Connection

from chassis.storage import outbox
from kit.security.tokens import Caller
from services.reviews import ratings
from services.reviews.access import require_open_for_edit, require_role_in
from services.reviews.commands.update_ratings import update_ratings
from services.reviews.commands.update_review import update_review
from services.reviews.contract import REVIEW_CHANGED
from services.reviews.queries import lock_review
from services.reviews.rendering import event_fields, render_review
from services.reviews.settings import ReviewPeriods
from services.reviews.types import Review


def change_review(
    connection: Connection,
    caller: Caller,
    review_id: str,
    changes: Mapping[str, int | str | None],
    periods: ReviewPeriods,
) -> Review:
    """Changes rating or text; values that are equal change nothing and publish nothing.

    Raises: NotFound, Forbidden; Conflict `review_edit_window_closed`.
    """
    before = lock_review(connection, review_id)
    refusal = "Only the author may change a review."
    require_role_in(before, caller.id, caller.is_staff, "customer", refusal)
    now = datetime.now(UTC)
    require_open_for_edit(before["created_at"], now, periods.editing)
    changed = {name: value for name, value in changes.items() if value != before[name]}
    if not changed:
        return render_review(before, periods, now)
    review = update_review(connection, before, updated_at=now, **changed)
    rating_change = ratings.edited(before["rating"], review["rating"], hidden=before["hidden_at"] is not None)
    event = outbox.row(REVIEW_CHANGED, change="edited", **event_fields(review))
    outbox.record_rows(connection, [event, *update_ratings(connection, review, rating_change)])
    return render_review(review, periods, now)
