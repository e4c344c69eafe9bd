import pytest

from services.messaging.contract import CATEGORIES, NOTIFICATION_TYPES
from services.messaging.notifications import (
    CATEGORY_OF_TYPE,
    EXCERPT_CHARACTERS,
    MARKETPLACE,
    TYPE_OF_TRANSITION,
    ThreadFacts,
    excerpt_of,
    notification_of_message,
    notifications_of_reminder,
    notifications_of_review,
    notifications_of_review_change,
    notifications_of_transition,
)
from services.orders.contract import TRANSITIONS as KNOWN_TRANSITIONS
from tests.messaging.sample_events import TRANSITIONS, Deal, Fact, new_id, party

# domain.md, written out by hand: transition, who did it, type, who is told
MATRIX = [
    ("submit", "customer", "order_submitted", ["provider"]),
    ("approve", "provider", "order_approved", ["customer"]),
    ("decline", "provider", "order_declined", ["customer"]),
    ("withdraw", "customer", "order_withdrawn", ["provider"]),
    ("expire", "system", "order_expired", ["customer", "provider"]),
    ("complete_work", "provider", "work_completed", ["customer"]),
    ("request_changes", "customer", "changes_requested", ["provider"]),
    ("confirm", "customer", "order_completed", ["provider"]),
    ("auto_confirm", "system", "order_completed", ["customer", "provider"]),
    ("cancel", "customer", "order_cancelled", ["provider"]),
    ("cancel", "provider", "order_cancelled", ["customer"]),
    ("cancel", "staff", "order_cancelled", ["customer", "provider"]),
    ("open_dispute", "customer", "dispute_opened", ["provider"]),
    ("open_dispute", "provider", "dispute_opened", ["customer"]),
    ("resolve_dispute", "staff", "dispute_resolved", ["customer", "provider"]),
]


def test_the_matrix_names_every_transition_and_every_actor_that_may_do_it() -> None:
    allowed = {(transition, role) for transition, (_, _, roles) in TRANSITIONS.items() for role in roles}
    assert {(transition, role) for transition, role, _, _ in MATRIX} == allowed
    assert set(TRANSITIONS) == set(KNOWN_TRANSITIONS) == set(TYPE_OF_TRANSITION)


def test_every_public_type_belongs_to_a_category_people_can_switch() -> None:
    assert set(CATEGORY_OF_TYPE) == set(NOTIFICATION_TYPES)
    assert set(CATEGORY_OF_TYPE.values()) == set(CATEGORIES)


@pytest.mark.parametrize(("transition", "role", "type_", "told"), MATRIX)
def test_a_transition_tells_those_who_did_not_do_it(
    transition: str, role: str, type_: str, told: list[str]
) -> None:
    deal = Deal()
    event = deal.transition(transition, role)

    made = notifications_of_transition(event)

    assert [(n.type, n.recipient_id) for n in made] == [(type_, event[recipient]["id"]) for recipient in told]
    for notification, recipient in zip(made, told, strict=True):
        assert notification.cause_id == event["event_id"]
        assert notification.order_id == deal.order_id
        assert (notification.actor_id, notification.actor_name) == (
            event["actor"]["id"],
            event["actor"]["display_name"],
        )
        assert notification.category == "order_updates"
        assert notification.data == {
            "event_id": event["event_id"],
            "order_number": deal.number,
            "service_title": "A logo, drawn by hand",
            "recipient_role": recipient,
            "actor_name": event["actor"]["display_name"],
            "actor_role": role,
            "transition": transition,
            "from_status": event["from_status"],
            "to_status": event["to_status"],
            "reason": event["reason"],
            "note": None,
        }


def test_a_reminder_goes_to_the_customer_from_the_marketplace() -> None:
    deal = Deal()
    (notification,) = notifications_of_reminder(deal.reminder(day=12))

    assert (notification.type, notification.recipient_id) == ("order_reminder", deal.customer.id)
    assert (notification.actor_id, notification.actor_name) == (None, MARKETPLACE)
    assert notification.data["day"] == 12
    assert notification.data["confirm_by"] == "2026-05-01T10:00:00.000000Z"
    assert notification.category == "order_updates"


def test_a_review_is_told_to_the_provider_and_its_reply_to_the_customer() -> None:
    deal = Deal()
    (submitted,) = notifications_of_review(deal.review())
    (replied,) = notifications_of_review_change(deal.review_change("replied"))

    assert (submitted.type, submitted.recipient_id) == ("review_submitted", deal.provider.id)
    assert (submitted.actor_id, submitted.data["rating"]) == (deal.customer.id, 4)
    assert (replied.type, replied.recipient_id) == ("review_replied", deal.customer.id)
    assert replied.actor_id == deal.provider.id
    assert submitted.category == replied.category == "reviews"


@pytest.mark.parametrize("change", ["edited", "hidden"])
def test_an_edited_or_hidden_review_notifies_nobody(change: str) -> None:
    assert notifications_of_review_change(Deal().review_change(change)) == []


@pytest.mark.parametrize("author", ["customer", "provider"])
def test_a_message_is_told_to_the_other_party(author: str) -> None:
    deal = Deal()
    other = "provider" if author == "customer" else "customer"
    event: Fact = {
        "event_id": new_id(),
        "message_id": new_id(),
        "order_id": deal.order_id,
        "author": party(getattr(deal, author)),
    }
    thread: ThreadFacts = {
        "order_number": deal.number,
        "service_title": "Logo",
        "customer_id": deal.customer.id,
    }

    notification = notification_of_message(event, getattr(deal, other).id, thread, "Hello\n\n  there")

    assert notification.type == "message_posted"
    assert notification.category == "messages"
    assert notification.data["recipient_role"] == other
    assert notification.data["excerpt"] == "Hello there"
    assert notification.data["message_id"] == event["message_id"]


def test_an_excerpt_is_short_and_says_when_more_was_written() -> None:
    assert excerpt_of("x" * EXCERPT_CHARACTERS) == "x" * EXCERPT_CHARACTERS
    long = excerpt_of("word " * 100)
    assert len(long) <= EXCERPT_CHARACTERS
    assert long.endswith("…")
