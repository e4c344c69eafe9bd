"""Notifications in plain words: every type has its own sentence, made of what messaging really stores."""

import re
from typing import Any, cast

import pytest

from client.resources import Notification
from services.messaging import notifications
from services.messaging.contract import NOTIFICATION_TYPES
from website.security.sessions import Person
from website.views.notification_text import place_of, quote_of, sentence_of

CUSTOMER = {"id": "c", "display_name": "Olivia"}
PROVIDER = {"id": "p", "display_name": "Ada"}
STAFF = {"id": "s", "display_name": "Sam"}
SYSTEM = {"id": None, "display_name": "MicroTasks"}
ACTORS: dict[str, dict[str, Any]] = {
    "customer": CUSTOMER, "provider": PROVIDER, "staff": STAFF, "system": SYSTEM,
}  # fmt: skip
ORDER = {
    "event_id": "e", "order_id": "o", "number": "MT-1", "customer": CUSTOMER, "provider": PROVIDER,
    "service": {"id": "v", "title": "A logo"},
}  # fmt: skip
EUR_45 = {"amount": 4500, "currency": "EUR"}
EUR_5 = {"amount": 500, "currency": "EUR"}
READER = Person("p", "Ada", (), "en", "Europe/Berlin", "x", "y", "z", 0.0)


def transition(name: str, role: str, to_status: int = 2, reason: str | None = None) -> list[Any]:
    actor = {**ACTORS[role], "role": role}
    told = {"transition": name, "from_status": 1, "to_status": to_status, "reason": reason, "note": None}
    event: Any = {**ORDER, "actor": actor, **told}
    return notifications.notifications_of_transition(event)


def payment(change: str, day: int | None = None, refund: Any = None) -> list[Any]:
    due_at = "2026-12-05T23:30:00Z"
    told = {"change": change, "amount": EUR_45, "payment_id": "y", "due_at": due_at}
    event: Any = {**ORDER, **told, "refund": refund, "day": day}
    return notifications.notifications_of_payment(event)


def payout(status: str) -> list[Any]:
    told: Any = {"event_id": "e", "provider": PROVIDER, "payout_id": "t", "amount": EUR_45, "status": status}
    return notifications.notifications_of_payout(told)


def message(body: str) -> list[Any]:
    thread: notifications.ThreadFacts = {
        "order_number": "MT-1",
        "service_title": "A logo",
        "customer_id": "c",
    }
    event: Any = {**ORDER, "author": CUSTOMER, "message_id": "m"}
    return [notifications.notification_of_message(event, "p", thread, body)]


REVIEW: Any = {**ORDER, "review_id": "r", "rating": 4, "change": "replied"}
REMINDER: Any = {**ORDER, "kind": "confirm", "day": 5, "confirm_by": "2026-12-05T12:00:00Z"}

TOLD = [
    (
        transition("submit", "customer"),
        "Olivia would like to order “A logo”. Approve or decline the order.",
    ),
    (transition("approve", "provider"), "Ada approved your order of “A logo”. Work can begin."),
    (transition("decline", "provider", 7, "No time"), "Ada declined your order of “A logo”."),
    (transition("withdraw", "customer", 7), "Olivia withdrew the order of “A logo”."),
    (transition("expire", "system", 7), "The order of “A logo” expired: it was not answered in time."),
    (
        transition("complete_work", "provider", 3),
        "Ada completed the work on “A logo”. Look at it and confirm.",
    ),
    (transition("request_changes", "customer"), "Olivia asks for changes to “A logo”."),
    (
        transition("confirm", "customer", 4),
        "Olivia confirmed your work on “A logo”. The order is completed.",
    ),
    (
        transition("auto_confirm", "system", 4),
        "The order of “A logo” completed by itself: the time to confirm ran out.",
    ),
    (transition("cancel", "staff", 7, "Both asked"), "Sam cancelled the order of “A logo”."),
    (transition("open_dispute", "customer", 2, "Late"), "Olivia opened a dispute about “A logo”."),
    (
        transition("resolve_dispute", "staff", 2),
        "Sam resolved the dispute about “A logo”: the work goes on.",
    ),
    (
        transition("resolve_dispute", "staff", 4),
        "Sam resolved the dispute about “A logo”: the order is completed.",
    ),
    (
        transition("resolve_dispute", "staff", 7),
        "Sam resolved the dispute about “A logo”: the order is cancelled.",
    ),
    (
        notifications.notifications_of_reminder(REMINDER),
        "The work on “A logo” waits for you to confirm. On Dec 5, 2026 the order completes by itself.",
    ),
    (message("When?"), "Olivia wrote to you about “A logo”."),
    (notifications.notifications_of_review(REVIEW), "Olivia reviewed “A logo”: 4 stars."),
    (notifications.notifications_of_review_change(REVIEW), "Ada replied to your review of “A logo”."),
    (payment("due"), "“A logo” is completed: €45.00 is to be paid by Dec 6, 2026."),
    (payment("reminded", 3), "A reminder: €45.00 for “A logo” is to be paid by Dec 6, 2026."),
    (payment("paid")[:1], "You paid €45.00 for “A logo”. Thank you."),
    (payment("paid")[1:], "€45.00 was paid for “A logo”. The order says when your share is available."),
    (payment("failed"), "Your payment of €45.00 for “A logo” failed. Nothing was taken; try again."),
    (payment("refunded", None, EUR_5)[:1], "€5.00 was refunded to you for “A logo”."),
    (payment("refunded", None, EUR_5)[1:], "€5.00 was refunded to the customer of “A logo”."),
    (payout("paid"), "Your payout of €45.00 is on its way to you."),
    (payout("failed"), "Your payout of €45.00 failed. The money is back in your balance."),
]


def as_read(told: notifications.Notification) -> Notification:
    actor = {"id": told.actor_id, "display_name": told.actor_name}
    shown = {"id": "n", "type": told.type, "order_id": told.order_id, "actor": actor, "data": told.data}
    return cast(Notification, {**shown, "created_at": "2026-11-28T12:00:00Z", "read_at": None})


@pytest.mark.parametrize(("told", "sentence"), TOLD)
def test_a_notification_is_one_sentence_in_plain_words(told: list[Any], sentence: str) -> None:
    assert {sentence_of(as_read(each), "en", "Europe/Berlin").striptags() for each in told} == {sentence}


def test_every_type_has_a_sentence_of_its_own() -> None:
    assert {each.type for told, _ in TOLD for each in told} == set(NOTIFICATION_TYPES)


@pytest.mark.parametrize("type_", [*NOTIFICATION_TYPES, "something_new"])
@pytest.mark.parametrize("data", [{}, {"service_title": "{actor.__class__} %s"}])
def test_missing_words_break_nothing(type_: str, data: dict[str, Any]) -> None:
    bare = notifications.Notification("e", "p", type_, None, None, "MicroTasks", data)
    sentence = sentence_of(as_read(bare), "en", "UTC")
    assert sentence.endswith(".") and "None" not in sentence
    if data and type_ != "payout_changed":
        assert data["service_title"] in sentence  # what people typed is never taken for a pattern


@pytest.mark.parametrize("told", [each for told, _ in TOLD for each in told])
def test_names_and_titles_cannot_turn_or_mark_up_the_sentence_around_them(told: Any) -> None:
    read = as_read(told)
    read["actor"]["display_name"] = "\u202e<b>gro.elpmaxe\u2069"
    read["data"]["service_title"] = "\u2067לוגו & more"
    sentence = sentence_of(read, "en", "UTC")
    outside = re.sub("<bdi>[^<]*</bdi>", "", sentence)
    assert not re.search("[<>&\u202a-\u202e\u2066-\u2069א-ת]", outside) and "elpmaxe" not in outside
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", sentence)


def test_an_unknown_type_gets_a_sensible_sentence() -> None:
    bare = notifications.Notification("e", "p", "something_new", "o", None, "MicroTasks", {})
    assert sentence_of(as_read(bare), "en", "UTC") == "There is news for you."
    assert place_of(as_read(bare), READER) == "/orders/o"


def test_what_the_other_wrote_is_quoted() -> None:
    assert quote_of(as_read(message("When will\nit be ready?")[0])) == "When will it be ready?"
    assert quote_of(as_read(transition("decline", "provider", 7, "No time")[0])) == "No time"
    assert quote_of(as_read(payment("due")[0])) == ""


def test_each_leads_to_what_it_is_about() -> None:
    assert place_of(as_read(message("?")[0]), READER) == "/orders/o"
    assert place_of(as_read(payout("paid")[0]), READER) == "/dashboard"
    assert place_of(as_read(notifications.notifications_of_review(REVIEW)[0]), READER) == "/profiles/p"
    replied = notifications.notifications_of_review_change(REVIEW)[0]
    assert place_of(as_read(replied), READER) == "/orders/o"
