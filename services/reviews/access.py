"""Who may submit, edit and reply to a review, and until when. Pure: time comes in as an argument."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

from kit.errors import Conflict, Forbidden, NotFound
from kit.validation import rfc3339
from services.orders.contract import Status

Role = Literal["customer", "provider", "staff"]
FINAL = (Status.COMPLETED, Status.CANCELLED)


def role_in_order(caller_id: str, is_staff: bool, customer_id: str, provider_id: str) -> Role | None:
    """Returns a person's role in an order, None for a stranger; being a party counts before being staff."""
    if caller_id == customer_id:
        return "customer"
    if caller_id == provider_id:
        return "provider"
    return "staff" if is_staff else None


def not_found() -> NotFound:
    """Returns the one refusal for what does not exist and for what the caller may not know of."""
    return NotFound("There is no such order or review.")


def not_reviewed(review_by: datetime | None, now: datetime) -> NotFound:
    """Returns the refusal for an order without a review: whether one may be submitted, and until when."""
    return NotFound(
        "This order has no review.",
        available_actions=actions_without_review(review_by, now),
        review_by=None if review_by is None else rfc3339(review_by),
    )


def require_role(role: Role | None, needed: Role, refusal: str) -> None:
    """Raises: NotFound for a stranger, who must not learn that it exists; Forbidden for another role."""
    if role is None:
        raise not_found()
    if role != needed:
        raise Forbidden(refusal)


def require_role_in(
    parties: Mapping[Any, Any], caller_id: str, is_staff: bool, needed: Role, refusal: str
) -> None:
    """Raises: what `require_role` raises. `parties` has `customer_id` and `provider_id`."""
    role = role_in_order(caller_id, is_staff, parties["customer_id"], parties["provider_id"])
    require_role(role, needed, refusal)


def require_completed(status: int) -> None:
    """Raises: Conflict `order_not_completed` naming the current status unless that is 4."""
    if status != Status.COMPLETED:
        raise Conflict(
            "An order can be reviewed once it is completed.",
            code="order_not_completed",
            current_status=status,
        )


def review_deadline(completed_at: datetime, period: timedelta) -> datetime:
    """Returns the last moment at which an order can be reviewed."""
    return completed_at + period


def edit_deadline(submitted_at: datetime, period: timedelta) -> datetime:
    """Returns the last moment at which the author can edit a review."""
    return submitted_at + period


def actions_without_review(review_by: datetime | None, now: datetime) -> list[str]:
    """Returns what the customer may do about an order without a review.

    `review_by` is its review deadline, None while the order is not completed.
    """
    return [] if review_by is None or now > review_by else ["submit"]


def actions_on_review(edit_by: datetime, has_reply: bool, now: datetime) -> list[str]:
    """Returns what may be done with a review: `edit` by its author, `reply` by its provider."""
    actions = []
    if now <= edit_by:
        actions.append("edit")
    if not has_reply:
        actions.append("reply")
    return actions


def require_open_for_review(completed_at: datetime, now: datetime, period: timedelta) -> None:
    """Raises: Conflict `review_window_closed` after the review deadline."""
    if not actions_without_review(review_deadline(completed_at, period), now):
        raise Conflict("The review period of this order is over.", code="review_window_closed")


def require_open_for_edit(submitted_at: datetime, now: datetime, period: timedelta) -> None:
    """Raises: Conflict `review_edit_window_closed` after the edit deadline."""
    if now > edit_deadline(submitted_at, period):
        raise Conflict("The edit period of this review is over.", code="review_edit_window_closed")


def review_exists() -> Conflict:
    """Returns the refusal of a second review of one order."""
    return Conflict("This order has its review already.", code="review_exists")


def reply_exists() -> Conflict:
    """Returns the refusal of a second reply to one review."""
    return Conflict("This review has its reply already.", code="reply_exists")
