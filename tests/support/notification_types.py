"""The notification type of each transition, written from the domain, not from the services."""

TYPE_OF_TRANSITION = {
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
