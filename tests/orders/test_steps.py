"""What a step changes: status, counters, clocks and what is owed."""

import itertools
from datetime import timedelta

import pytest

from services.orders.lifecycle import RULES, Rule, available_transitions, reminded
from tests.orders.states import EARLIER, NOW, PERIODS, order, take


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.transition} by {' or '.join(rule.who)}")
def test_every_step_counts_version_and_sequence_and_dates_the_order(rule: Rule) -> None:
    for origin, role in itertools.product(rule.origins, rule.who):
        after = take(order(origin, disputed_at=EARLIER if rule.disputed else None), rule.transition, role)
        assert (after.version, after.sequence, after.updated_at) == (2, 2, NOW)


def test_approval_sets_when_the_work_is_due() -> None:
    assert take(order(1), "approve", "provider").due_at == NOW + timedelta(days=3)


def test_completed_work_starts_the_confirmation_clock_and_its_reminders() -> None:
    after = take(order(2, due_at=NOW), "complete_work", "provider")
    assert after.confirm_by == NOW + timedelta(days=14)
    assert (after.next_reminder_at, after.reminders_sent) == (NOW + timedelta(days=5), 0)
    assert (after.work_completed_at, after.due_at) == (NOW, NOW)


def test_two_reminders_go_out_and_no_more() -> None:
    first = take(order(2), "complete_work", "provider")
    second = reminded(first, PERIODS)
    assert second.next_reminder_at == NOW + timedelta(days=12)
    assert reminded(second, PERIODS).next_reminder_at is None
    assert (second.version, second.sequence) == (first.version, first.sequence)


@pytest.mark.parametrize(
    ("transition", "role"),
    [
        ("request_changes", "customer"),
        ("confirm", "customer"),
        ("auto_confirm", "system"),
        ("cancel", "provider"),
        ("cancel", "staff"),
        ("open_dispute", "customer"),
        ("open_dispute", "provider"),
    ],
)
def test_whatever_follows_completed_work_stops_its_clock(transition: str, role: str) -> None:
    after = take(take(order(2), "complete_work", "provider"), transition, role)
    assert (after.confirm_by, after.next_reminder_at) == (None, None)


def test_changes_are_counted_and_reminders_start_again_with_the_next_completion() -> None:
    completed = reminded(take(order(2), "complete_work", "provider"), PERIODS)
    changing = take(completed, "request_changes", "customer")
    assert changing.revisions_used == 1
    again = take(changing, "complete_work", "provider", NOW + timedelta(days=30))
    assert (again.reminders_sent, again.next_reminder_at) == (0, NOW + timedelta(days=35))
    assert "request_changes" not in available_transitions(again, ("customer",))


@pytest.mark.parametrize(("transition", "role"), [("confirm", "customer"), ("auto_confirm", "system")])
def test_the_payment_falls_due_with_completion(transition: str, role: str) -> None:
    after = take(take(order(2), "complete_work", "provider"), transition, role)
    assert (after.status, after.payment_status, after.completed_at) == (4, "due", NOW)


def test_a_dispute_resolved_to_completion_makes_the_payment_due() -> None:
    after = take(order(2, disputed_at=EARLIER), "resolve_dispute", "staff", to_status=4)
    assert (after.payment_status, after.completed_at) == ("due", NOW)


def test_a_cancelled_order_never_owes_anything() -> None:
    after = take(order(2, disputed_at=EARLIER), "cancel", "staff")
    assert (after.payment_status, after.completed_at, after.disputed) == ("not_due", None, False)


def test_a_dispute_stops_the_delivery_clock_for_as_long_as_it_lasts() -> None:
    due_at = NOW + timedelta(days=3)
    disputed = take(order(2, due_at=due_at), "open_dispute", "customer")
    assert (disputed.status, disputed.disputed, disputed.due_at) == (2, True, due_at)
    later = NOW + timedelta(days=4)
    resumed = take(disputed, "resolve_dispute", "staff", later, to_status=2)
    assert (resumed.due_at, resumed.confirm_by) == (due_at + timedelta(days=4), None)


def test_after_a_resolution_the_customer_still_cannot_take_the_work_and_cancel() -> None:
    completed = take(order(2), "complete_work", "provider")
    disputed = take(completed, "open_dispute", "customer")
    resumed = take(disputed, "resolve_dispute", "staff", to_status=2)
    assert available_transitions(resumed, ("customer",)) == ["open_dispute"]
