from datetime import UTC, datetime, timedelta

import pytest

from services.reviews.access import actions_on_review, actions_without_review, edit_deadline, review_deadline

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
DAY = timedelta(days=1)


def test_deadlines_count_from_completion_and_submission() -> None:
    assert review_deadline(NOW, 60 * DAY) == datetime(2026, 7, 3, 12, tzinfo=UTC)
    assert edit_deadline(NOW, DAY) == datetime(2026, 5, 5, 12, tzinfo=UTC)


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
