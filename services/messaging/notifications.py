"""Which event notifies whom, of what, in which words' ingredients: pure rules (domain.md).

Every transition notifies the other party; what staff or the system did notifies both. `data`
holds plain text and numbers for a sentence in any language, never markup.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Fact = Mapping[str, Any]

MARKETPLACE = "MicroTasks"
EXCERPT_CHARACTERS = 140

TYPE_OF_TRANSITION: dict[str, str] = {
    "submit": "order_submitted",
    "approve": "order_approved",
    "decline": "order_declined",
    "withdraw": "order_withdrawn",
    "expire": "order_expired",
    "complete_work": "work_completed",
    "request_changes": "changes_requested",
    "confirm": "order_completed",
    "auto_confirm": "order_completed",
    "cancel": "order_cancelled",
    "open_dispute": "dispute_opened",
    "resolve_dispute": "dispute_resolved",
}
TYPE_OF_PAYMENT_CHANGE: dict[str, str] = {
    "due": "payment_due",
    "reminded": "payment_due",
    "paid": "payment_paid",
    "failed": "payment_failed",
    "refunded": "payment_refunded",
}
RECIPIENTS_OF_PAYMENT: dict[str, tuple[str, ...]] = {
    "payment_due": ("customer",),
    "payment_paid": ("customer", "provider"),
    "payment_failed": ("customer",),
    "payment_refunded": ("customer", "provider"),
}
RECIPIENTS_OF_ROLE: dict[str, tuple[str, ...]] = {
    "customer": ("provider",),
    "provider": ("customer",),
    "staff": ("customer", "provider"),
    "system": ("customer", "provider"),
}
_CATEGORY_OF_OTHER_TYPES: dict[str, str] = {
    "order_reminder": "order_updates",
    "message_posted": "messages",
    "review_submitted": "reviews",
    "review_replied": "reviews",
    "payment_due": "payments",
    "payment_paid": "payments",
    "payment_failed": "payments",
    "payment_refunded": "payments",
    "payout_changed": "payments",
}
CATEGORY_OF_TYPE: dict[str, str] = {
    **dict.fromkeys(TYPE_OF_TRANSITION.values(), "order_updates"),
    **_CATEGORY_OF_OTHER_TYPES,
}


@dataclass(frozen=True)
class Notification:
    """What one person is to be told. `cause_id` is the id of the event that caused it; cause,
    recipient and type together name a notification, so it is never made twice."""

    cause_id: str
    recipient_id: str
    type: str
    order_id: str | None
    actor_id: str | None
    actor_name: str
    data: dict[str, Any]

    @property
    def category(self) -> str:
        """The preference that decides about it."""
        return CATEGORY_OF_TYPE[self.type]


def notifications_of_transition(event: Fact) -> list[Notification]:
    """For `order_status_changed`: one type per transition, to those who did not act themselves."""
    actor = event["actor"]
    words = {
        "actor_name": actor["display_name"],
        "actor_role": actor["role"],
        **{name: event[name] for name in ("transition", "from_status", "to_status", "reason", "note")},
    }
    return [
        _about_order(event, TYPE_OF_TRANSITION[event["transition"]], role, actor, words)
        for role in RECIPIENTS_OF_ROLE[actor["role"]]
    ]


def notifications_of_reminder(event: Fact) -> list[Notification]:
    """For `order_reminder_due`: the customer, from the marketplace."""
    actor = {"id": None, "display_name": MARKETPLACE}
    words = {"actor_name": MARKETPLACE} | {name: event[name] for name in ("kind", "day", "confirm_by")}
    return [_about_order(event, "order_reminder", "customer", actor, words)]


def notifications_of_review(event: Fact) -> list[Notification]:
    """For `review_submitted`: the reviewed provider."""
    return [_about_review(event, "review_submitted", author="customer", recipient="provider")]


def notifications_of_review_change(event: Fact) -> list[Notification]:
    """For `review_changed`: the customer hears of the reply; edits and hiding notify nobody."""
    if event["change"] != "replied":
        return []
    return [_about_review(event, "review_replied", author="provider", recipient="customer")]


def notifications_of_payment(event: Fact) -> list[Notification]:
    """For `payment_changed`: what is due or failed concerns the customer, paid and refunded both."""
    type_ = TYPE_OF_PAYMENT_CHANGE.get(event["change"])
    recipients = RECIPIENTS_OF_PAYMENT.get(type_ or "", ())
    actor = {"id": None, "display_name": MARKETPLACE}
    words = {
        "actor_name": MARKETPLACE,
        **{name: event[name] for name in ("amount", "payment_id", "due_at", "refund", "day")},
    }
    return [_about_order(event, str(type_), role, actor, words) for role in recipients]


def notifications_of_payout(event: Fact) -> list[Notification]:
    """For `payout_changed`: the provider hears what became of the money, not that they asked for it."""
    if event["status"] == "processing":
        return []
    return [
        Notification(
            cause_id=event["event_id"],
            recipient_id=event["provider"]["id"],
            type="payout_changed",
            order_id=None,
            actor_id=None,
            actor_name=MARKETPLACE,
            data={
                "event_id": event["event_id"],
                "recipient_role": "provider",
                "actor_name": MARKETPLACE,
                **{name: event[name] for name in ("payout_id", "amount", "status")},
            },
        )
    ]


def notification_of_message(event: Fact, recipient_id: str, thread: Fact, body: str) -> Notification:
    """For `message_posted`: the other party, with the beginning of what was written."""
    author = event["author"]
    return Notification(
        cause_id=event["event_id"],
        recipient_id=recipient_id,
        type="message_posted",
        order_id=event["order_id"],
        actor_id=author["id"],
        actor_name=author["display_name"],
        data={
            "event_id": event["event_id"],
            "message_id": event["message_id"],
            "order_number": thread["order_number"],
            "service_title": thread["service_title"],
            "recipient_role": "customer" if recipient_id == thread["customer_id"] else "provider",
            "actor_name": author["display_name"],
            "excerpt": excerpt_of(body),
        },
    )


def excerpt_of(body: str) -> str:
    """The beginning of a message on one line, at most `EXCERPT_CHARACTERS` long."""
    line = " ".join(body.split())
    return line if len(line) <= EXCERPT_CHARACTERS else line[: EXCERPT_CHARACTERS - 1].rstrip() + "…"


def _about_order(event: Fact, type_: str, recipient: str, actor: Fact, words: Fact) -> Notification:
    return _about(event, type_, recipient, actor, {"order_number": event["number"], **words})


def _about_review(event: Fact, type_: str, author: str, recipient: str) -> Notification:
    actor = event[author]
    words = {"actor_name": actor["display_name"], "review_id": event["review_id"], "rating": event["rating"]}
    return _about(event, type_, recipient, actor, words)


def _about(event: Fact, type_: str, recipient: str, actor: Fact, words: Fact) -> Notification:
    return Notification(
        cause_id=event["event_id"],
        recipient_id=event[recipient]["id"],
        type=type_,
        order_id=event["order_id"],
        actor_id=actor["id"],
        actor_name=actor["display_name"],
        data={
            "event_id": event["event_id"],
            "service_title": event["service"]["title"],
            "recipient_role": recipient,
            **words,
        },
    )
