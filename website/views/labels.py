"""Labels of statuses, transitions and events, and the flash messages (docs/domain.md).

The tables hold messages in English; what shows them asks for their translation.
"""

from markupsafe import Markup

from client.resources import OrderTransition
from kit.localization.translations import N_, gettext
from website.views.names import bdi, fill

STATUS_LABELS = {
    1: N_("Pending"),
    2: N_("Order Placed"),
    3: N_("Work Completed"),
    4: N_("Order Completed"),
    7: N_("Cancelled"),
}
STATUS_TONES = {1: "waiting", 2: "working", 3: "looking", 4: "done", 7: "ended"}
STEPS = (1, 2, 3, 4)

PAYMENT_LABELS = {
    "not_due": N_("Not due yet"),
    "due": N_("Payment due"),
    "processing": N_("Being processed"),
    "requires_action": N_("One more step"),
    "paid": N_("Paid"),
    "failed": N_("Payment failed"),
    "refunded": N_("Refunded"),
    "partly_refunded": N_("Partly refunded"),
}

METHODS = {
    "sandbox_ok": N_("Test card that works"),
    "sandbox_action": N_("Test card that asks you to confirm"),
    "sandbox_declined": N_("Test card that is declined"),
    "sandbox_timeout": N_("Test card whose answer gets lost"),
    "sandbox_late": N_("Test transfer that takes a while"),
    "stripe_checkout": N_("Card and more, on Stripe's page"),
}
FAILURES = {
    "declined": N_("It was declined."),
    "cancelled": N_("You said no."),
}

LISTING_LABELS = {
    "draft": N_("Draft"),
    "active": N_("Active"),
    "paused": N_("Paused"),
    "archived": N_("Archived"),
}
LISTING_TONES = {"draft": "waiting", "active": "done", "paused": "working", "archived": "ended"}

TRANSACTION_LABELS = {
    "payment": N_("You paid"),
    "earning": N_("Earned"),
    "release": N_("Became available"),
    "refund": N_("Refund"),
    "payout": N_("Payout"),
    "payout_returned": N_("Payout came back"),
}
PAYOUT_LABELS = {"processing": N_("On its way"), "paid": N_("Paid out"), "failed": N_("Failed")}
PAYOUT_TONES = {"processing": "working", "paid": "done", "failed": "disputed"}

ACTIONS = {
    "approve": N_("Approve order"),
    "decline": N_("Decline"),
    "withdraw": N_("Withdraw order"),
    "complete_work": N_("Mark work completed"),
    "request_changes": N_("Request changes"),
    "confirm": N_("Confirm completion"),
    "cancel": N_("Cancel order"),
    "open_dispute": N_("Open a dispute"),
    "resolve_dispute": N_("Resolve dispute"),
}

SIMPLE = ("approve", "confirm", "withdraw")  # one click; every other action has something to say
HARSH = ("decline", "cancel")  # these end the order
GENTLE = ("approve", "confirm", "complete_work", "resolve_dispute")


def arranged(transitions: list[str]) -> list[str]:
    """The same actions, those first that bring an order on."""
    return sorted(transitions, key=lambda each: (each not in GENTLE, each not in SIMPLE))


QUESTION = N_("Why?")  # of a step that is not known here
QUESTIONS = {
    "decline": N_("Why do you decline? The customer reads this."),
    "complete_work": N_("A note on what you delivered"),
    "request_changes": N_("What should be changed?"),
    "cancel": N_("Why do you cancel?"),
    "open_dispute": N_("What is the matter? Our staff read this, too."),
    "resolve_dispute": N_("How did you decide, and why? Both parties read this."),
}
RESOLUTIONS = {
    2: N_("Work goes on (Order Placed)"),
    4: N_("The order is completed"),
    7: N_("The order is cancelled"),
}

_ACTIVITIES = {
    "submit": N_("{actor} placed the order request"),
    "approve": N_("{actor} approved the order"),
    "decline": N_("{actor} declined the order"),
    "withdraw": N_("{actor} withdrew the order"),
    "expire": N_("The order expired: nobody answered in time"),
    "complete_work": N_("{actor} marked the work completed"),
    "request_changes": N_("{actor} asked for changes"),
    "confirm": N_("{actor} confirmed that the work is done"),
    "auto_confirm": N_("The order completed by itself: the time to confirm ran out"),
    "cancel": N_("{actor} cancelled the order"),
    "open_dispute": N_("{actor} opened a dispute"),
    "resolve_dispute": N_("{actor} resolved the dispute"),
}
_OWN_ACTIVITIES = {
    "submit": N_("{you} placed the order request"),
    "approve": N_("{you} approved the order"),
    "decline": N_("{you} declined the order"),
    "withdraw": N_("{you} withdrew the order"),
    "complete_work": N_("{you} marked the work completed"),
    "request_changes": N_("{you} asked for changes"),
    "confirm": N_("{you} confirmed that the work is done"),
    "cancel": N_("{you} cancelled the order"),
    "open_dispute": N_("{you} opened a dispute"),
    "resolve_dispute": N_("{you} resolved the dispute"),
}


def activity(step: OrderTransition, reader_id: str) -> Markup:
    """What somebody did to an order, as one sentence for its reader; an unknown step as the API calls it."""
    actor, transition = step["actor"], step["transition"]
    is_own = actor["id"] == reader_id
    sentence = (_OWN_ACTIVITIES if is_own else _ACTIVITIES).get(transition, "")
    words = {"actor": _strong(actor["display_name"]), "you": _strong(gettext("You"))}
    return fill(gettext(sentence) if sentence else "{actor} {step}", {**words, "step": transition})


def _strong(name: str) -> Markup:
    return Markup("<strong>{}</strong>").format(bdi(name))


MOVEMENTS = {"paid": N_("Paid:"), "refunded": N_("Refunded:"), "failed": N_("A payment failed:")}

# Flash messages: shown once at the top of the page that follows a redirect.
_FLASHES_OF_SIGN_IN = {
    "sign_in_first": N_("Please sign in to go on."),
    "signed_out_elsewhere": N_("You were signed out. Please sign in again."),
    "signed_out": N_("You are signed out."),
    "shown_again": N_("You are signed in again. The form was not sent: check it, and send it."),
    "welcome": N_("Welcome to MicroTasks! Your account is ready."),
}
_FLASHES_OF_ORDERS = {
    "order_submitted": N_("Your request is sent. The provider was told and approves or declines it."),
    "order_approved": N_("You approved the order. The customer was told."),
    "order_declined": N_("You declined the order."),
    "order_withdrawn": N_("You withdrew the order."),
    "work_completed": N_("You marked the work as completed. The customer was told."),
    "changes_requested": N_("You asked for changes. The provider was told."),
    "order_confirmed": N_("You confirmed that the work is done. The order is completed."),
    "order_cancelled": N_("The order is cancelled."),
    "dispute_opened": N_("The dispute is open. Our staff will look at it."),
    "dispute_resolved": N_("The dispute is resolved."),
    "paid": N_("Paid. Thank you!"),
    "payment_confirmed": N_("You confirmed the payment."),
    "payment_refused": N_("You said no. Nothing was taken."),
    "payment_processing": N_("Your payment is being processed."),
    "refunded": N_("The money is on its way back."),
    "review_submitted": N_("Thank you for your review!"),
    "review_changed": N_("Your review is changed."),
    "review_replied": N_("Your reply is published."),
}
_FLASHES_OF_SERVICES = {
    "service_posted": N_("Your service is published: people can find and order it."),
    "service_drafted": N_("Your draft is saved. Nobody else sees it until you publish it."),
    "service_saved": N_("Your changes are saved."),
    "service_paused": N_("Your service is paused: it cannot be ordered until you make it active."),
    "service_resumed": N_("Your service is active again."),
    "service_archived": N_("Your service is archived."),
    "service_is_archived": N_("This service is archived, and stays so."),
    "payout_requested": N_("You asked for a payout. It is among your payouts below."),
    "reply_posted": N_("Your reply is published."),
}
_FLASHES_OF_ACCOUNTS = {
    "profile_saved": N_("Your profile is saved."),
    "password_changed": N_("Your password is changed. Everywhere else you are signed out now."),
    "place_signed_out": N_("That browser is signed out."),
    "signed_out_everywhere": N_("You are signed out everywhere."),
    "preferences_saved": N_("Saved. From now on you are told what you chose."),
    "all_read": N_("Everything is marked read."),
}
FLASH_MESSAGES = {**_FLASHES_OF_SIGN_IN, **_FLASHES_OF_ORDERS, **_FLASHES_OF_SERVICES, **_FLASHES_OF_ACCOUNTS}
SIGN_OUTS = frozenset({"signed_out", "signed_out_everywhere"})  # after these no draft stays in the browser
NEUTRAL_FLASHES = frozenset(
    {
        "sign_in_first",
        "shown_again",
        "signed_out_elsewhere",
        "payment_refused",
        "payment_processing",
        "service_is_archived",
    }
)

ERROR_TITLES = {
    403: N_("This is not yours to do"),
    404: N_("There is no such page"),
    409: N_("That is not possible now"),
    410: N_("This link is used up"),
    413: N_("That was too long"),
    429: N_("That was a little fast"),
    503: N_("We cannot answer at the moment"),
}
ERROR_ADVICE = {
    403: N_("The page or the action belongs to somebody else."),
    404: N_("It may have moved, or it is not for you to see."),
    409: N_("Things have changed meanwhile. Look at the page again."),
    413: N_("Shorten your text and send it again."),
    422: N_("Look at what you sent, and try again."),
    429: N_("Wait a moment, then try again."),
    503: N_("What you did is safe. Please try again in a moment."),
}
UNKNOWN_ERROR = N_("Something went wrong")
UNKNOWN_ERROR_ADVICE = N_("This is our mistake, and it is written down. Please try again in a moment.")

OWN_LISTING_NOTES = {
    "draft": N_("This service is a draft."),
    "paused": N_("This service is paused."),
    "archived": N_("This service is archived."),
}
LISTING_NOTES = {
    "draft": N_("This service is a draft: it cannot be ordered now."),
    "paused": N_("This service is paused: it cannot be ordered now."),
    "archived": N_("This service is archived: it cannot be ordered now."),
}

_CATEGORIES = {
    "writing": N_("Writing"),
    "translation": N_("Translation"),
    "design": N_("Design"),
    "photography": N_("Photography"),
    "video-audio": N_("Video and audio"),
    "music": N_("Music"),
    "programming": N_("Programming"),
    "data": N_("Data"),
    "marketing": N_("Marketing"),
    "business": N_("Business"),
    "education": N_("Education"),
    "lifestyle": N_("Lifestyle"),
    "events": N_("Events"),
    "home": N_("Home"),
    "crafts": N_("Crafts"),
    "other": N_("Other"),
}


def category_name(category_id: str, name: str | None = None) -> str:
    """What a category is called; one that is not known here as the API calls it."""
    if (known := _CATEGORIES.get(category_id)) is not None:
        return gettext(known)
    return name or category_id.replace("-", " ").capitalize()


_SCRIPT_TEXTS = {
    "changed": N_("This part has changed since."),
    "typed": N_("What you typed is still here."),
    "show_changed": N_("Show how it stands now"),
    "signed_out": N_("You were signed out. What you typed is still here."),
    "sign_in": N_("Sign in"),
    "other_account": N_(
        "{name} is signed in now. This page belongs to another account; its forms are not accepted."
    ),
    "reload": N_("Reload"),
    "news": N_("This page has news."),
    "show": N_("Show"),
    "hide": N_("Hide"),
    "show_field": N_("Show {field}"),
    "hide_field": N_("Hide {field}"),
}


def script_texts() -> dict[str, str]:
    """What the scripts of a page say, in the language in use."""
    return {name: gettext(text) for name, text in _SCRIPT_TEXTS.items()}
