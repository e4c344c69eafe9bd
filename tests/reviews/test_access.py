from datetime import UTC, datetime, timedelta

import pytest

from kit.errors import Conflict, Forbidden, NotFound
from kit.settings import load
from services.orders.contract import Status
from services.reviews import access
from services.reviews.access import actions_on_review, actions_without_review, edit_deadline, review_deadline
from services.reviews.settings import ReviewPeriods

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("caller", "is_staff", "role"),
    [
        ("c", False, "customer"),
        ("c", True, "customer"),
        ("p", False, "provider"),
        ("p", True, "provider"),
        ("x", True, "staff"),
        ("x", False, None),
    ],
)
def test_being_a_party_counts_before_being_staff(caller: str, is_staff: bool, role: str | None) -> None:
    assert access.role_in_order(caller, is_staff, customer_id="c", provider_id="p") == role


def test_a_stranger_learns_nothing() -> None:
    with pytest.raises(NotFound):
        access.require_role(None, "customer", "no")


@pytest.mark.parametrize("role", ["provider", "staff"])
def test_another_role_is_forbidden(role: access.Role) -> None:
    with pytest.raises(Forbidden, match="Only the customer") as refused:
        access.require_role(role, "customer", "Only the customer.")
    assert refused.value.code == "not_allowed"


@pytest.mark.parametrize("status", [status for status in Status if status != Status.COMPLETED])
def test_only_a_completed_order_can_be_reviewed_and_the_refusal_names_the_status(status: Status) -> None:
    with pytest.raises(Conflict) as refused:
        access.require_completed(status)
    assert refused.value.code == "order_not_completed"
    assert refused.value.data == {"current_status": status}


def test_a_completed_order_can_be_reviewed() -> None:
    access.require_completed(4)


def test_a_review_is_taken_for_exactly_sixty_days() -> None:
    period = ReviewPeriods().submission
    access.require_open_for_review(NOW - timedelta(days=60), NOW, period)
    with pytest.raises(Conflict) as refused:
        access.require_open_for_review(NOW - timedelta(days=60) - MOMENT, NOW, period)
    assert refused.value.code == "review_window_closed"


def test_a_review_is_edited_for_exactly_a_day() -> None:
    period = ReviewPeriods().editing
    access.require_open_for_edit(NOW - timedelta(hours=24), NOW, period)
    with pytest.raises(Conflict) as refused:
        access.require_open_for_edit(NOW - timedelta(hours=24) - MOMENT, NOW, period)
    assert refused.value.code == "review_edit_window_closed"


def test_both_periods_are_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVIEW_WINDOW_DAYS", "7")
    monkeypatch.setenv("REVIEW_EDIT_HOURS", "2")
    periods = load(ReviewPeriods)
    assert (periods.submission, periods.editing) == (timedelta(days=7), timedelta(hours=2))


def test_a_completion_time_ahead_of_this_clock_is_within_the_window() -> None:
    access.require_open_for_review(NOW + timedelta(seconds=2), NOW, ReviewPeriods().submission)


def test_deadlines_count_from_completion_and_submission() -> None:
    assert review_deadline(NOW, 60 * DAY) == datetime(2026, 4, 30, 12, tzinfo=UTC)
    assert edit_deadline(NOW, DAY) == datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("review_by", "actions"),
    [
        (None, []),
        (NOW + DAY, ["submit"]),
        (NOW, ["submit"]),
        (NOW - MOMENT, []),
    ],
    ids=["not completed", "in time", "at the deadline", "too late"],
)
def test_a_customer_may_submit_a_review_of_a_completed_order_until_the_deadline(
    review_by: datetime | None, actions: list[str]
) -> None:
    assert actions_without_review(review_by, NOW) == actions


@pytest.mark.parametrize(
    ("edit_by", "has_reply", "actions"),
    [
        (NOW + DAY, False, ["edit", "reply"]),
        (NOW, False, ["edit", "reply"]),
        (NOW - MOMENT, False, ["reply"]),
        (NOW + DAY, True, ["edit"]),
        (NOW - MOMENT, True, []),
    ],
)
def test_a_review_may_be_edited_until_the_deadline_and_replied_to_once(
    edit_by: datetime, has_reply: bool, actions: list[str]
) -> None:
    assert actions_on_review(edit_by, has_reply, NOW) == actions
