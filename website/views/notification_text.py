"""Notifications in one sentence each, as HTML, and where each leads."""

from collections.abc import Callable, Mapping
from typing import Any

from markupsafe import Markup

from client.resources import Notification
from kit.localization.dates import format_day
from kit.localization.money import format_money
from kit.localization.translations import N_, gettext, ngettext
from website.security.sessions import Person
from website.views.names import bdi, fill

Data = Mapping[str, Any]

_PATTERNS = {
    "order_submitted": N_("{actor} would like to order “{title}”. Approve or decline the order."),
    "order_approved": N_("{actor} approved your order of “{title}”. Work can begin."),
    "order_declined": N_("{actor} declined your order of “{title}”."),
    "order_withdrawn": N_("{actor} withdrew the order of “{title}”."),
    "order_expired": N_("The order of “{title}” expired: it was not answered in time."),
    "changes_requested": N_("{actor} asks for changes to “{title}”."),
    "order_cancelled": N_("{actor} cancelled the order of “{title}”."),
    "dispute_opened": N_("{actor} opened a dispute about “{title}”."),
    "message_posted": N_("{actor} wrote to you about “{title}”."),
    "work_completed": N_("{actor} completed the work on “{title}”. Look at it and confirm."),
    "review_submitted": N_("{actor} reviewed “{title}”: {stars}."),
    "payment_failed": N_("Your payment of {amount} for “{title}” failed. Nothing was taken; try again."),
    "review_replied": N_("{actor} replied to your review of “{title}”."),
}
_RESOLVED = {
    2: N_("{actor} resolved the dispute about “{title}”: the work goes on."),
    4: N_("{actor} resolved the dispute about “{title}”: the order is completed."),
    7: N_("{actor} resolved the dispute about “{title}”: the order is cancelled."),
}
_PAYOUTS = {
    "paid": N_("Your payout of {amount} is on its way to you."),
    "failed": N_("Your payout of {amount} failed. The money is back in your balance."),
}
_OTHERWISE = N_("There is news about “{title}”.")
_WITHOUT_ORDER = N_("There is news for you.")


def sentence_of(notification: Notification, locale: str, time_zone: str) -> Markup:
    """What happened, in plain words; a type this site does not know yet gets a general sentence."""
    data = notification["data"]
    words = {
        "actor": bdi(notification["actor"]["display_name"]),
        "title": bdi(data.get("service_title", "")),
        "amount": _money(data.get("amount"), locale),
        "refund": _money(data.get("refund") or data.get("amount"), locale),
        "stars": _stars(data.get("rating")),
        "due": _day(data.get("due_at"), locale, time_zone),
        "confirm_by": _day(data.get("confirm_by"), locale, time_zone),
    }
    return fill(gettext(_pattern(notification["type"], data)), words)


def _pattern(type_: str, data: Data) -> str:
    if (choose := _CHOICES.get(type_)) is not None:
        return choose(data)
    otherwise = _OTHERWISE if data.get("service_title") else _WITHOUT_ORDER
    return _PATTERNS.get(type_, otherwise)


def _completed(data: Data) -> str:
    if data.get("transition") == "auto_confirm":
        return N_("The order of “{title}” completed by itself: the time to confirm ran out.")
    return N_("{actor} confirmed your work on “{title}”. The order is completed.")


def _resolved(data: Data) -> str:
    return _RESOLVED.get(data.get("to_status", 0), N_("{actor} resolved the dispute about “{title}”."))


def _reminder(data: Data) -> str:
    if not data.get("confirm_by"):
        return N_("“{title}” waits for you.")
    return N_(
        "The work on “{title}” waits for you to confirm. On {confirm_by} the order completes by itself."
    )


def _due(data: Data) -> str:
    if data.get("day") is not None:
        return N_("A reminder: {amount} for “{title}” is to be paid by {due}.")
    return N_("“{title}” is completed: {amount} is to be paid by {due}.")


def _paid(data: Data) -> str:
    if data.get("recipient_role") == "provider":
        return N_("{amount} was paid for “{title}”. The order says when your share is available.")
    return N_("You paid {amount} for “{title}”. Thank you.")


def _refunded(data: Data) -> str:
    if data.get("recipient_role") == "provider":
        return N_("{refund} was refunded to the customer of “{title}”.")
    return N_("{refund} was refunded to you for “{title}”.")


def _payout(data: Data) -> str:
    return _PAYOUTS.get(data.get("status", ""), N_("There is news about your payout of {amount}."))


_CHOICES: dict[str, Callable[[Data], str]] = {
    "order_completed": _completed,
    "dispute_resolved": _resolved,
    "order_reminder": _reminder,
    "payment_due": _due,
    "payment_paid": _paid,
    "payment_refunded": _refunded,
    "payout_changed": _payout,
}


def quote_of(notification: Notification) -> str:
    """What the other person wrote with it, if anything: the message, the reason, the note."""
    data = notification["data"]
    return str(data.get("excerpt") or data.get("reason") or data.get("note") or "")


def place_of(notification: Notification, reader: Person) -> str:
    """The page where a notification's reader sees what it is about."""
    if notification["type"] == "review_submitted":
        return f"/profiles/{reader.id}"
    if notification["order_id"] is not None:
        return f"/orders/{notification['order_id']}"
    return "/dashboard"


def _money(amount: Mapping[str, Any] | None, locale: str) -> str:
    return gettext("the amount") if amount is None else format_money(amount, locale)


def _day(timestamp: str | None, locale: str, time_zone: str) -> str:
    return gettext("soon") if timestamp is None else format_day(timestamp, locale, time_zone)


def _stars(rating: int | None) -> str:
    if rating is None:
        return gettext("new stars")
    return ngettext("{count} star", "{count} stars", rating).format(count=rating)
