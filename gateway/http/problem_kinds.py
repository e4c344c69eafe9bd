"""The table of problems: what each `code` means, for the pages at `/problems/{code}`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ProblemKind:
    """One code: its status, its title, and its meaning with what to do about it."""

    status: int
    title: str
    meaning: str


KINDS: dict[str, ProblemKind] = {
    "bad_request": ProblemKind(400, "Bad request", "The request could not be understood as HTTP."),
    "unreadable_body": ProblemKind(
        400,
        "Unreadable body",
        "The body must be one JSON object in UTF-8, without repeated names, NaN or Infinity, "
        "nested at most 32 levels deep.",
    ),
    "invalid_query": ProblemKind(
        400,
        "Bad query",
        "A query parameter is unknown, repeated, missing or has a value that cannot be used; "
        "`errors` names it. A cursor is valid only with the filters it was issued for.",
    ),
    "invalid_header": ProblemKind(400, "Bad header", "A request header cannot be used; `errors` names it."),
    "idempotency_key_missing": ProblemKind(
        400,
        "Idempotency key missing",
        "This request needs an Idempotency-Key header: any text of 1 to 255 printable characters "
        "that you send again, unchanged, when you repeat the request because its answer was lost.",
    ),
    "idempotency_key_invalid": ProblemKind(
        400, "Idempotency key invalid", "An Idempotency-Key has 1 to 255 printable ASCII characters."
    ),
    "bad_signature": ProblemKind(
        400,
        "Bad signature",
        "A payment processor's webhook must have a recent signature made with the shared secret. This one "
        "is missing, wrong or too old.",
    ),
    "unauthenticated": ProblemKind(
        401, "Sign in first", "Send a valid access token: `Authorization: Bearer <access_token>`."
    ),
    "token_expired": ProblemKind(
        401, "Access token expired", "Get a new one with the refresh token: POST /v1/sessions/refresh."
    ),
    "invalid_token": ProblemKind(401, "Access token not valid", "Sign in again."),
    "session_revoked": ProblemKind(401, "Signed out", "This session was signed out. Sign in again."),
    "invalid_credentials": ProblemKind(
        401, "Wrong e-mail or password", "E-mail address and password do not belong together."
    ),
    "invalid_refresh_token": ProblemKind(
        401,
        "Refresh token not valid",
        "A refresh token works once. It was used, revoked or has expired; sign in again.",
    ),
    "payment_declined": ProblemKind(
        402,
        "Payment declined",
        "The payment processor declined the payment; nothing was charged. Try again with a new "
        "Idempotency-Key, perhaps by another method.",
    ),
    "not_allowed": ProblemKind(403, "Not allowed", "Your role here never has this right."),
    "not_found": ProblemKind(404, "Not found", "It does not exist, or you may not see it."),
    "method_not_allowed": ProblemKind(405, "Method not allowed", "The Allow header lists what works here."),
    "body_too_slow": ProblemKind(408, "Body too slow", "The body did not arrive in time. Send it again."),
    "conflict": ProblemKind(409, "Conflict", "The request is valid, but not in the current state."),
    "email_taken": ProblemKind(
        409, "E-mail address taken", "There is an account with this address. Sign in."
    ),
    "invalid_transition": ProblemKind(
        409,
        "Transition not possible now",
        "`current_status` is the order's status, `available_transitions` lists what you may do.",
    ),
    "service_unavailable": ProblemKind(
        409, "Service not on offer", "This service cannot be ordered now: it is paused, archived or a draft."
    ),
    "price_changed": ProblemKind(
        409, "Price changed", "The price is no longer the expected one. Check it before you order."
    ),
    "own_service": ProblemKind(409, "Own service", "Nobody can order their own service."),
    "payment_not_due": ProblemKind(
        409, "Payment not due", "An order is paid once it is completed (status 4), not before."
    ),
    "payment_in_progress": ProblemKind(
        409,
        "Payment in progress",
        "A payment of this order is in progress. Wait for it, or finish its second step at `action_url`.",
    ),
    "already_paid": ProblemKind(409, "Already paid", "This order is paid. Nothing more was charged."),
    "payment_overdue": ProblemKind(
        409,
        "Payment overdue",
        "An earlier order is completed and was not paid in time. Pay it first, then order again.",
    ),
    "quota_exceeded": ProblemKind(
        409,
        "Quota exceeded",
        "An account (409) or an address (429, with Retry-After) has reached a maximum, at a time or per "
        "day; `quota` names which.",
    ),
    "payment_not_paid": ProblemKind(
        409, "Not paid", "Only a payment that was made has a receipt; `status` is that of this payment."
    ),
    "payment_not_waiting": ProblemKind(
        409,
        "Not waiting",
        "This payment is not waiting: it was confirmed, declined or cancelled.",
    ),
    "payment_not_refundable": ProblemKind(
        409, "Not refundable", "Only a payment that was made, and is not fully refunded, can be refunded."
    ),
    "refund_in_progress": ProblemKind(
        409, "Refund in progress", "A refund of this payment is in progress. Try again when it is finished."
    ),
    "refund_exceeds_payment": ProblemKind(
        409, "More than is left", "No more can be refunded than was paid and is not refunded yet."
    ),
    "insufficient_balance": ProblemKind(
        409,
        "Balance too small",
        "A payout takes at most what is available in that currency, a provider's own refund at most what"
        " is available and pending. Beyond that staff can refund.",
    ),
    "order_not_completed": ProblemKind(
        409, "Order not completed", "A review can be written once the order is completed (status 4)."
    ),
    "review_exists": ProblemKind(
        409, "Review exists", "An order has one review. It can be edited for a while."
    ),
    "reply_exists": ProblemKind(409, "Reply exists", "A provider replies to a review once."),
    "review_edit_window_closed": ProblemKind(409, "Too late", "A review can be changed for 24 hours."),
    "service_archived": ProblemKind(409, "Archived", "An archived service can no longer be changed."),
    "review_window_closed": ProblemKind(409, "Too late", "The time for this has passed."),
    "idempotency_in_progress": ProblemKind(
        409,
        "Still in progress",
        "The first request with this key has not finished. Repeat it a little later.",
    ),
    "gone": ProblemKind(410, "Gone", "It existed, but was used or has expired."),
    "precondition_failed": ProblemKind(
        412, "Changed meanwhile", "If-Match names another version. Fetch the resource again, then decide."
    ),
    "body_too_large": ProblemKind(413, "Body too large", "Bodies are limited to 64 KiB."),
    "unsupported_media_type": ProblemKind(
        415, "Unsupported media type", "Send `Content-Type: application/json`, in UTF-8, not compressed."
    ),
    "validation_failed": ProblemKind(
        422, "Values not accepted", "`errors` points at each value and says what is wrong with it."
    ),
    "to_status_required": ProblemKind(
        422, "Status required", "`resolve_dispute` needs `to_status`: 2, 4 or 7."
    ),
    "to_status_invalid": ProblemKind(422, "Status not possible", "A dispute is resolved to 2, 4 or 7."),
    "to_status_not_allowed": ProblemKind(
        422, "Status not allowed", "Only `resolve_dispute` takes a `to_status`."
    ),
    "reason_required": ProblemKind(422, "Reason required", "This step needs a reason for the other party."),
    "idempotency_key_reused": ProblemKind(
        422, "Idempotency key reused", "This key was used for another request. Use a new one."
    ),
    "unknown_method": ProblemKind(
        422, "Unknown method", "There is no such payment method; the detail names the existing ones."
    ),
    "amount_not_supported": ProblemKind(
        422, "Amount not supported", "The payment processor does not support this amount in this currency."
    ),
    "unknown_category": ProblemKind(422, "Unknown category", "GET /v1/categories lists the existing ones."),
    "unknown_message": ProblemKind(422, "Unknown message", "This order has no such message."),
    "wrong_password": ProblemKind(422, "Wrong password", "This is not your current password."),
    "reserved_name": ProblemKind(
        422,
        "Reserved name",
        "The name could be mistaken for the marketplace's or its staff's. Choose another one.",
    ),
    "common_password": ProblemKind(
        422, "Password too common", "It is on every list of common passwords. Choose another one."
    ),
    "precondition_required": ProblemKind(
        428, "Precondition required", "Send If-Match with the ETag of the version you have seen."
    ),
    "rate_limited": ProblemKind(429, "Too many requests", "Wait for the seconds in Retry-After."),
    "too_many_sign_ins": ProblemKind(
        429,
        "Too many failed sign-ins",
        "Too many wrong passwords were given for this account, from your network or in all. Wait for the "
        "seconds in Retry-After. A browser that signed in before (`Device-Token`) is not affected by others.",
    ),
    "too_many_streams": ProblemKind(
        429, "Too many event streams", "Close one of your open event streams first."
    ),
    "too_many_documents": ProblemKind(
        429,
        "Too many documents at a time",
        "Wait until one of your documents is rendered, or for the seconds in Retry-After.",
    ),
    "internal_error": ProblemKind(
        500, "Internal error", "An unexpected failure. Report the `request_id` if it happens again."
    ),
    "unavailable": ProblemKind(
        503,
        "Temporarily unavailable",
        "A part of the marketplace is unavailable; nothing was changed. Try again soon.",
    ),
    "connection_lost": ProblemKind(
        503,
        "Connection lost",
        "It is not known whether the request took effect. Repeat it with the same Idempotency-Key.",
    ),
    "broker_unavailable": ProblemKind(
        503, "Temporarily unavailable", "The message broker is unavailable. Try again soon."
    ),
    "database_unavailable": ProblemKind(
        503, "Temporarily unavailable", "The database is unavailable. Nothing was changed. Try again soon."
    ),
    "database_timeout": ProblemKind(
        503, "Took too long", "The database took too long. Nothing was changed. Try again soon."
    ),
    "busy": ProblemKind(503, "Busy", "The marketplace is overloaded. Nothing was changed. Try again."),
    "timeout": ProblemKind(
        504,
        "No answer in time",
        "It is not known whether the request took effect. Repeat it with the same Idempotency-Key.",
    ),
}
