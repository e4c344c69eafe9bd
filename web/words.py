"""The words of the site: what statuses, transitions and happenings are called (domain.md)."""

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

# What happened, told once at the top of the page that follows.
_SAID_AT_THE_ENTRANCE = {
    "sign_in_first": "Please sign in to go on.",
    "signed_out_elsewhere": "You were signed out. Please sign in again.",
    "signed_out": "You are signed out.",
    "welcome": "Welcome to MicroTasks! Your account is ready.",
}
_SAID_OF_ORDERS: dict[str, str] = {}
_SAID_OF_SERVICES: dict[str, str] = {}
_SAID_OF_ACCOUNTS = {
    "profile_saved": "Your profile is saved.",
    "password_changed": "Your password is changed. Everywhere else you are signed out now.",
    "place_signed_out": "That browser is signed out.",
    "signed_out_everywhere": "You are signed out everywhere.",
    "preferences_saved": "Saved. From now on you are told what you chose.",
    "all_read": "Everything is marked read.",
}
SAID = {**_SAID_AT_THE_ENTRANCE, **_SAID_OF_ORDERS, **_SAID_OF_SERVICES, **_SAID_OF_ACCOUNTS}
