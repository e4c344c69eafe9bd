"""The provider replies to a review. Runs inside its caller's transaction."""

from datetime import UTC, datetime

from sqlalchemy import Connection

from chassis.storage import outbox
from kit.security.tokens import Caller
from services.reviews.access import reply_exists, require_role_in
from services.reviews.commands.update_review import update_review
from services.reviews.contract import REVIEW_CHANGED
from services.reviews.queries import lock_review
from services.reviews.rendering import event_fields, render_review
from services.reviews.settings import ReviewPeriods
from services.reviews.types import Review


def reply_to_review(
    connection: Connection, caller: Caller, review_id: str, text: str, periods: ReviewPeriods
) -> Review:
    """Adds the provider's one reply.

    Raises: NotFound, Forbidden; Conflict `reply_exists`.
    """
    before = lock_review(connection, review_id)
    refusal = "Only the provider may reply to a review."
    require_role_in(before, caller.id, caller.is_staff, "provider", refusal)
    if before["reply_text"] is not None:
        raise reply_exists()
    now = datetime.now(UTC)
    review = update_review(connection, before, updated_at=now, reply_text=text, reply_created_at=now)
    outbox.record(connection, REVIEW_CHANGED, change="replied", **event_fields(review))
    return render_review(review, periods, now)
