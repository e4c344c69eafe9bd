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
_SAID_OF_SERVICES = {
    "service_posted": "Your service is published: people can find and order it.",
    "service_drafted": "Your draft is saved. Nobody else sees it until you publish it.",
    "service_saved": "Your changes are saved.",
    "service_paused": "Your service is paused: it cannot be ordered until you make it active.",
    "service_resumed": "Your service is active again.",
    "service_archived": "Your service is archived.",
    "service_is_archived": "This service is archived, and stays so.",
    "payout_requested": "Your payout is on its way.",
    "reply_posted": "Your reply is published.",
}
_SAID_OF_ACCOUNTS: dict[str, str] = {}
SAID = {**_SAID_AT_THE_ENTRANCE, **_SAID_OF_ORDERS, **_SAID_OF_SERVICES, **_SAID_OF_ACCOUNTS}
