"""Which event notifies whom, and with which data: pure rules, described in docs/domain.md.

A transition by a party notifies the other one; a transition by staff or the system notifies both.
`data` holds plain text and numbers for a sentence in any language, never markup.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias, TypedDict

from kit.types import Party
from services.messaging.types import MessagePosted, NotificationActor
from services.orders.types import OrderReminderDue, OrderStatusChanged
from services.payments.types import PaymentChanged, PayoutChanged
from services.reviews.types import ReviewChanged, ReviewSubmitted

OrderEvent: TypeAlias = OrderStatusChanged | OrderReminderDue | PaymentChanged
ReviewEvent: TypeAlias = ReviewSubmitted | ReviewChanged
Data: TypeAlias = dict[str, Any]

MARKETPLACE = "MicroTasks"
EXCERPT_CHARACTERS = 140
MARKETPLACE_ACTOR: NotificationActor = {"id": None, "display_name": MARKETPLACE}

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
    """A notification for one person. `cause_id` is the id of the event that caused it; cause,
    recipient and type together identify a notification, so it is never stored twice."""

    cause_id: str
    recipient_id: str
    type: str
    order_id: str | None
    actor_id: str | None
    actor_name: str
    data: Data

    @property
    def category(self) -> str:
        """The category of preferences it belongs to."""
        return CATEGORY_OF_TYPE[self.type]


class ThreadFacts(TypedDict):
    """What a notification of a message says about its thread."""

    order_number: str
    service_title: str
    customer_id: str


def notifications_of_transition(event: OrderStatusChanged) -> list[Notification]:
    """For `order_status_changed`: one type per transition, to the parties who did not act themselves."""
    actor = event["actor"]
    data: Data = {
        "actor_name": actor["display_name"],
        "actor_role": actor["role"],
        "transition": event["transition"],
        "from_status": event["from_status"],
        "to_status": event["to_status"],
        "reason": event["reason"],
        "note": event["note"],
    }
    type_ = TYPE_OF_TRANSITION[event["transition"]]
    by: NotificationActor = {"id": actor["id"], "display_name": actor["display_name"]}
    return [_about_order(event, type_, role, by, data) for role in RECIPIENTS_OF_ROLE[actor["role"]]]


def notifications_of_reminder(event: OrderReminderDue) -> list[Notification]:
    """For `order_reminder_due`: the customer, from the marketplace."""
    data: Data = {
        "actor_name": MARKETPLACE,
        "kind": event["kind"],
        "day": event["day"],
        "confirm_by": event["confirm_by"],
    }
    return [_about_order(event, "order_reminder", "customer", MARKETPLACE_ACTOR, data)]


def notifications_of_review(event: ReviewSubmitted) -> list[Notification]:
    """For `review_submitted`: the reviewed provider."""
    return [_about_review(event, "review_submitted", author="customer", recipient="provider")]


def notifications_of_review_change(event: ReviewChanged) -> list[Notification]:
    """For `review_changed`: a reply notifies the customer; edits and hiding notify nobody."""
    if event["change"] != "replied":
        return []
    return [_about_review(event, "review_replied", author="provider", recipient="customer")]


def notifications_of_payment(event: PaymentChanged) -> list[Notification]:
    """For `payment_changed`: due and failed notify the customer, paid and refunded both parties."""
    type_ = TYPE_OF_PAYMENT_CHANGE.get(event["change"])
    if type_ is None:
        return []
    data: Data = {
        "actor_name": MARKETPLACE,
        "amount": event["amount"],
        "payment_id": event["payment_id"],
        "due_at": event["due_at"],
        "refund": event["refund"],
        "day": event["day"],
    }
    return [
        _about_order(event, type_, role, MARKETPLACE_ACTOR, data) for role in RECIPIENTS_OF_PAYMENT[type_]
    ]


def notifications_of_payout(event: PayoutChanged) -> list[Notification]:
    """For `payout_changed`: the provider, about the result only, not about the request."""
    if event["status"] == "processing":
        return []
    data: Data = {
        "event_id": event["event_id"],
        "recipient_role": "provider",
        "actor_name": MARKETPLACE,
        "payout_id": event["payout_id"],
        "amount": event["amount"],
        "status": event["status"],
    }
    return [
        Notification(
            cause_id=event["event_id"],
            recipient_id=event["provider"]["id"],
            type="payout_changed",
            order_id=None,
            actor_id=None,
            actor_name=MARKETPLACE,
            data=data,
        )
    ]


def notification_of_message(
    event: MessagePosted, recipient_id: str, thread: ThreadFacts, body: str
) -> Notification:
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
    """Returns the beginning of a message on one line, at most `EXCERPT_CHARACTERS` long."""
    line = " ".join(body.split())
    return line if len(line) <= EXCERPT_CHARACTERS else line[: EXCERPT_CHARACTERS - 1].rstrip() + "…"


def _about_order(
    event: OrderEvent, type_: str, recipient: str, actor: NotificationActor, data: Data
) -> Notification:
    return _notification(event, type_, recipient, actor, {"order_number": event["number"], **data})


def _about_review(event: ReviewEvent, type_: str, author: str, recipient: str) -> Notification:
    party = _party(event, author)
    actor: NotificationActor = {"id": party["id"], "display_name": party["display_name"]}
    data: Data = {
        "actor_name": actor["display_name"],
        "review_id": event["review_id"],
        "rating": event["rating"],
    }
    return _notification(event, type_, recipient, actor, data)


def _notification(
    event: OrderEvent | ReviewEvent, type_: str, recipient: str, actor: NotificationActor, data: Data
) -> Notification:
    return Notification(
        cause_id=event["event_id"],
        recipient_id=_party(event, recipient)["id"],
        type=type_,
        order_id=event["order_id"],
        actor_id=actor["id"],
        actor_name=actor["display_name"],
        data={
            "event_id": event["event_id"],
            "service_title": event["service"]["title"],
            "recipient_role": recipient,
            **data,
        },
    )


def _party(event: OrderEvent | ReviewEvent, role: str) -> Party:
    return event["customer"] if role == "customer" else event["provider"]
