import random
from collections import Counter
from threading import Barrier, Thread
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chassis.storage.outbox import row
from kit.contracts import Event
from services.messaging.contract import CHANGE_PREFERENCES
from services.messaging.notifications import (
    RECIPIENTS_OF_ROLE,
    TYPE_OF_TRANSITION,
    notifications_of_transition,
)
from services.orders.contract import ORDER_REMINDER_DUE, ORDER_STATUS_CHANGED
from services.reviews.contract import REVIEW_CHANGED, REVIEW_SUBMITTED
from tests.messaging.actions import move, notifications, post, switch_off, threads, types_told
from tests.messaging.sample_events import TRANSITIONS, Deal, Fact
from tests.support.service_harness import Harness

EVERY_ACT = [(transition, role) for transition, (_, _, roles) in TRANSITIONS.items() for role in roles]
STORY = ["submit", "approve", "complete_work", "request_changes", "complete_work", "confirm"]


def together(*acts: Any) -> list[Exception]:
    """Runs all at once; what they raised."""
    barrier, raised = Barrier(len(acts)), []

    def run(act: Any) -> None:
        barrier.wait()
        try:
            act()
        except Exception as error:
            raised.append(error)

    runners = [Thread(target=run, args=(act,)) for act in acts]
    for runner in runners:
        runner.start()
    for runner in runners:
        runner.join()
    return raised


def whole_story(deal: Deal) -> list[tuple[Event, Fact]]:
    """Every event that one order can cause on its way to a replied review, each with its identity."""
    facts: list[tuple[Event, Fact]] = [(ORDER_STATUS_CHANGED, deal.transition(step)) for step in STORY]
    facts += [(ORDER_REMINDER_DUE, deal.reminder(day)) for day in (5, 12)]
    facts += [(REVIEW_SUBMITTED, deal.review())]
    facts += [(REVIEW_CHANGED, deal.review_change(change)) for change in ("edited", "replied", "hidden")]
    return [(contract, row(contract, **fact)["body"]) for contract, fact in facts]


@pytest.mark.parametrize(("transition", "role"), EVERY_ACT)
def test_each_transition_notifies_once_those_it_should(
    messaging: Harness, transition: str, role: str
) -> None:
    deal = Deal()
    if transition != "submit":
        move(messaging, deal, "submit")
    before = {who: len(notifications(messaging, getattr(deal, who))) for who in ("customer", "provider")}

    event = move(messaging, deal, transition, role)
    messaging.deliver(ORDER_STATUS_CHANGED, event)

    for who in ("customer", "provider"):
        fresh = notifications(messaging, getattr(deal, who))[: -before[who] or None]
        told = [TYPE_OF_TRANSITION[transition]] if who in RECIPIENTS_OF_ROLE[role] else []
        assert [notification["type"] for notification in fresh] == told
        for notification in fresh:
            assert notification["order_id"] == deal.order_id
            assert notification["actor"]["id"] == event["actor"]["id"]
            assert notification["data"]["event_id"] == event["event_id"]
            assert notification["read_at"] is None


def test_the_actor_is_not_told_of_their_own_act(messaging: Harness, deal: Deal) -> None:
    assert notifications(messaging, deal.customer) == []
    assert types_told(messaging, deal.provider) == ["order_submitted"]


def test_every_stored_notification_is_announced_once(messaging: Harness, deal: Deal) -> None:
    post(messaging, deal.customer, deal)
    move(messaging, deal, "cancel", "staff")
    for person in (deal.customer, deal.provider):
        stored = notifications(messaging, person)
        announced = [e for e in messaging.events("notification_created") if e["account_id"] == person.id]
        assert Counter(e["notification_id"] for e in announced) == Counter(n["id"] for n in stored)
        assert {e["type"] for e in announced} == {n["type"] for n in stored}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), twice=st.booleans())
def test_any_order_and_number_of_deliveries_ends_the_same(messaging: Harness, seed: int, twice: bool) -> None:
    deal = Deal()
    story = whole_story(deal)
    shuffled = story * 2 if twice else list(story)
    random.Random(seed).shuffle(shuffled)

    for contract, event in shuffled:
        messaging.deliver(contract, event)

    assert Counter(types_told(messaging, deal.customer)) == Counter(
        {"order_approved": 1, "work_completed": 2, "order_reminder": 2, "review_replied": 1}
    )
    assert Counter(types_told(messaging, deal.provider)) == Counter(
        {"order_submitted": 1, "changes_requested": 1, "order_completed": 1, "review_submitted": 1}
    )
    (line,) = threads(messaging, deal.customer)
    assert line["order"]["status"] == 4


def test_a_late_event_notifies_but_does_not_turn_the_order_back(messaging: Harness, deal: Deal) -> None:
    approved, completed = deal.transition("approve"), deal.transition("complete_work")
    messaging.deliver(ORDER_STATUS_CHANGED, **completed)
    messaging.deliver(ORDER_STATUS_CHANGED, **approved)

    assert threads(messaging, deal.customer)[0]["order"]["status"] == 3
    assert types_told(messaging, deal.customer) == ["work_completed", "order_approved"]


def test_a_dispute_moves_no_status_but_is_told(messaging: Harness, deal: Deal) -> None:
    move(messaging, deal, "approve")
    move(messaging, deal, "open_dispute", "provider")
    assert threads(messaging, deal.customer)[0]["order"]["status"] == 2
    assert types_told(messaging, deal.customer) == ["order_approved", "dispute_opened"]


def test_two_deliveries_of_one_event_at_once_take_effect_once(messaging: Harness, deal: Deal) -> None:
    event = row(ORDER_STATUS_CHANGED, **deal.transition("cancel", "staff"))["body"]
    raised = together(*[lambda: messaging.deliver(ORDER_STATUS_CHANGED, event)] * 8)

    assert raised == []
    assert types_told(messaging, deal.customer) == ["order_cancelled"]
    assert types_told(messaging, deal.provider) == ["order_submitted", "order_cancelled"]


def test_even_without_the_inbox_a_cause_notifies_once(messaging: Harness, deal: Deal) -> None:
    event = move(messaging, deal, "approve")
    messaging.execute("DELETE FROM inbox WHERE event_id = :id", id=event["event_id"])
    messaging.deliver(ORDER_STATUS_CHANGED, event)

    assert types_told(messaging, deal.customer) == ["order_approved"]
    announced = [e for e in messaging.events("notification_created") if e["account_id"] == deal.customer.id]
    assert len(announced) == 1


def test_all_events_of_an_order_at_once_leave_the_last_state(messaging: Harness) -> None:
    deal = Deal()
    story = whole_story(deal)
    raised = together(*[lambda c=c, e=e: messaging.deliver(c, e) for c, e in story])

    assert raised == []
    assert threads(messaging, deal.provider)[0]["order"]["status"] == 4
    assert len(notifications(messaging, deal.customer)) == 6


@pytest.mark.parametrize(
    ("category", "type_"),
    [("order_updates", "order_approved"), ("messages", "message_posted"), ("reviews", "review_replied")],
)
def test_a_category_switched_off_stores_nothing_and_tells_nobody(
    messaging: Harness, deal: Deal, category: str, type_: str
) -> None:
    switch_off(messaging, deal.customer, category)
    move(messaging, deal, "approve")
    posted = post(messaging, deal.provider, deal)
    messaging.deliver(REVIEW_CHANGED, **deal.review_change("replied"))
    messaging.deliver(REVIEW_SUBMITTED, **deal.review())

    wanted = {"order_approved", "message_posted", "review_replied"} - {type_}
    assert set(types_told(messaging, deal.customer)) == wanted
    created = [e for e in messaging.events("notification_created") if e["account_id"] == deal.customer.id]
    assert {e["type"] for e in created} == wanted
    assert types_told(messaging, deal.provider) == ["order_submitted", "review_submitted"]
    assert [e["message_id"] for e in messaging.events("message_posted")][-1] == posted["id"]
    assert threads(messaging, deal.customer)[0]["unread_count"] == 1


def test_an_email_switch_leaves_the_app_alone(messaging: Harness, deal: Deal) -> None:
    messaging.call_as(deal.customer, CHANGE_PREFERENCES, order_updates={"email": False})
    move(messaging, deal, "approve")
    assert types_told(messaging, deal.customer) == ["order_approved"]


def test_the_rules_and_the_database_agree_on_what_is_one_notification(messaging: Harness) -> None:
    event = Deal().transition("cancel", "staff", note=None)
    made = notifications_of_transition(event)
    assert len({(n.cause_id, n.recipient_id, n.type) for n in made}) == len(made) == 2
