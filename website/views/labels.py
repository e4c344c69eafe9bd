"""Labels of statuses, transitions and events, and the flash messages (docs/domain.md)."""

STATUS_LABELS = {1: "Pending", 2: "Order Placed", 3: "Work Completed", 4: "Order Completed", 7: "Cancelled"}
STATUS_TONES = {1: "waiting", 2: "working", 3: "looking", 4: "done", 7: "ended"}
STEPS = (1, 2, 3, 4)

PAYMENT_LABELS = {
    "not_due": "Not due yet",
    "due": "Payment due",
    "processing": "Being processed",
    "requires_action": "One more step",
    "paid": "Paid",
    "failed": "Payment failed",
    "refunded": "Refunded",
    "partly_refunded": "Partly refunded",
}

METHODS = {
    "sandbox_ok": "Test card that works",
    "sandbox_action": "Test card that asks you to confirm",
    "sandbox_declined": "Test card that is declined",
    "sandbox_timeout": "Test card whose answer gets lost",
    "sandbox_late": "Test transfer that takes a while",
    "stripe_checkout": "Card and more, on Stripe's page",
}
FAILURES = {
    "declined": "It was declined.",
    "cancelled": "You said no.",
}

LISTING_LABELS = {"draft": "Draft", "active": "Active", "paused": "Paused", "archived": "Archived"}
LISTING_TONES = {"draft": "waiting", "active": "done", "paused": "working", "archived": "ended"}

TRANSACTION_LABELS = {
    "payment": "You paid",
    "earning": "Earned",
    "release": "Became available",
    "refund": "Refund",
    "payout": "Payout",
    "payout_returned": "Payout came back",
}
PAYOUT_LABELS = {"processing": "On its way", "paid": "Paid out", "failed": "Failed"}
PAYOUT_TONES = {"processing": "working", "paid": "done", "failed": "disputed"}

ACTIONS = {
    "approve": "Approve order",
    "decline": "Decline",
    "withdraw": "Withdraw order",
    "complete_work": "Mark work completed",
    "request_changes": "Request changes",
    "confirm": "Confirm completion",
    "cancel": "Cancel order",
    "open_dispute": "Open a dispute",
    "resolve_dispute": "Resolve dispute",
}

SIMPLE = ("approve", "confirm", "withdraw")  # one click; every other action has something to say
HARSH = ("decline", "cancel")  # these end the order
GENTLE = ("approve", "confirm", "complete_work", "resolve_dispute")


def arranged(transitions: list[str]) -> list[str]:
    """The same actions, those first that bring an order on."""
    return sorted(transitions, key=lambda each: (each not in GENTLE, each not in SIMPLE))


QUESTIONS = {
    "decline": "Why do you decline? The customer reads this.",
    "complete_work": "A note on what you delivered",
    "request_changes": "What should be changed?",
    "cancel": "Why do you cancel?",
    "open_dispute": "What is the matter? Our staff read this, too.",
    "resolve_dispute": "How did you decide, and why? Both parties read this.",
}
RESOLUTIONS = {2: "Work goes on (Order Placed)", 4: "The order is completed", 7: "The order is cancelled"}

HAPPENINGS = {
    "submit": "placed the order request",
    "approve": "approved the order",
    "decline": "declined the order",
    "withdraw": "withdrew the order",
    "expire": "The order expired: nobody answered in time",
    "complete_work": "marked the work completed",
    "request_changes": "asked for changes",
    "confirm": "confirmed that the work is done",
    "auto_confirm": "The order completed by itself: the time to confirm ran out",
    "cancel": "cancelled the order",
    "open_dispute": "opened a dispute",
    "resolve_dispute": "resolved the dispute",
}

MOVEMENTS = {"paid": "Paid:", "refunded": "Refunded:", "failed": "A payment failed:"}

# Flash messages: shown once at the top of the page that follows a redirect.
_FLASHES_OF_SIGN_IN = {
    "sign_in_first": "Please sign in to go on.",
    "signed_out_elsewhere": "You were signed out. Please sign in again.",
    "signed_out": "You are signed out.",
    "shown_again": "You are signed in again. The form was not sent: check it, and send it.",
    "welcome": "Welcome to MicroTasks! Your account is ready.",
}
_FLASHES_OF_ORDERS = {
    "order_submitted": "Your request is sent. The provider was told and approves or declines it.",
    "order_approved": "You approved the order. The customer was told.",
    "order_declined": "You declined the order.",
    "order_withdrawn": "You withdrew the order.",
    "work_completed": "You marked the work as completed. The customer was told.",
    "changes_requested": "You asked for changes. The provider was told.",
    "order_confirmed": "You confirmed that the work is done. The order is completed.",
    "order_cancelled": "The order is cancelled.",
    "dispute_opened": "The dispute is open. Our staff will look at it.",
    "dispute_resolved": "The dispute is resolved.",
    "paid": "Paid. Thank you!",
    "payment_confirmed": "You confirmed the payment.",
    "payment_refused": "You said no. Nothing was taken.",
    "payment_processing": "Your payment is being processed.",
    "refunded": "The money is on its way back.",
    "review_submitted": "Thank you for your review!",
    "review_changed": "Your review is changed.",
    "review_replied": "Your reply is published.",
}
_FLASHES_OF_SERVICES = {
    "service_posted": "Your service is published: people can find and order it.",
    "service_drafted": "Your draft is saved. Nobody else sees it until you publish it.",
    "service_saved": "Your changes are saved.",
    "service_paused": "Your service is paused: it cannot be ordered until you make it active.",
    "service_resumed": "Your service is active again.",
    "service_archived": "Your service is archived.",
    "service_is_archived": "This service is archived, and stays so.",
    "payout_requested": "You asked for a payout. It is among your payouts below.",
    "reply_posted": "Your reply is published.",
}
_FLASHES_OF_ACCOUNTS = {
    "profile_saved": "Your profile is saved.",
    "password_changed": "Your password is changed. Everywhere else you are signed out now.",
    "place_signed_out": "That browser is signed out.",
    "signed_out_everywhere": "You are signed out everywhere.",
    "preferences_saved": "Saved. From now on you are told what you chose.",
    "all_read": "Everything is marked read.",
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
