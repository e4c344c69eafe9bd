"""What an order needs next, and from whom: texts about an order as the API shows it. No rule of its own:
what somebody can do is what `available_transitions` says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from client.resources import Order, OrderTransition, Payment
from kit.localization.translations import N_, gettext
from website.views.labels import STATUS_LABELS, STEPS
from website.views.names import bdi, fill

CUSTOMER, PROVIDER, STAFF = "customer", "provider", "staff"
PENDING, APPROVED, WORK_COMPLETED, COMPLETED, CANCELLED = 1, 2, 3, 4, 7
MOVES_ON = frozenset({"approve", "complete_work", "confirm", "resolve_dispute"})
TO_BE_PAID = frozenset({"due", "failed"})


@dataclass(frozen=True)
class Banner:
    """What is needed now. `by` is an RFC 3339 time until which it is, with `until` in words before it.
    `tone`: "act" when the reader is to do something, "wait", "good", "bad" or "over"."""

    tone: str
    title: str
    text: str
    until: str = ""
    by: str | None = None


@dataclass(frozen=True)
class ProgressStep:
    """One status in the progress of an order; `state`: "past", "now" or "ahead"."""

    code: int
    label: str
    state: str


def role_on(order: Order, account_id: str) -> str:
    """Returns the role of an account in an order; a party counts before staff."""
    if account_id == order["customer"]["id"]:
        return CUSTOMER
    return PROVIDER if account_id == order["provider"]["id"] else STAFF


def is_turn_of(order: Order, role: str) -> bool:
    """Whether the order waits for this person."""
    if role == CUSTOMER and order["status"] == COMPLETED:
        return order["payment_status"] in TO_BE_PAID
    return bool(MOVES_ON & set(order["available_transitions"]))


def progress_of(order: Order, history: Sequence[OrderTransition]) -> list[ProgressStep]:
    """Returns the steps of an order: 1 to 4; of a cancelled one those it reached, then the cancellation."""
    status = order["status"]
    if status != CANCELLED:
        states = {code: "now" if code == status else ("past" if code < status else "ahead") for code in STEPS}
        return [ProgressStep(code, STATUS_LABELS[code], state) for code, state in states.items()]
    ends = [step["from_status"] for step in history if step["to_status"] == CANCELLED]
    came_to = ends[-1] if ends and ends[-1] is not None else PENDING
    passed = [ProgressStep(code, STATUS_LABELS[code], "past") for code in STEPS if code <= came_to]
    return [*passed, ProgressStep(CANCELLED, STATUS_LABELS[CANCELLED], "now")]


def banner_of(order: Order, role: str, can_review: bool, payment: Payment | None = None) -> Banner:
    """The one sentence at the top of an order's page. `payment` is the newest one."""
    words = _names(order)
    if order["status"] == CANCELLED:
        return _filled(_CANCELLED_FOR_STAFF if role == STAFF else _CANCELLED, words)
    if order["disputed"]:
        return _filled(_DISPUTED[role], words)
    if order["status"] == COMPLETED:
        return _filled(_completed(order, role, can_review, payment), words)
    banner = _filled(_RUNNING[order["status"], role], words)
    by = order["due_at"] if order["status"] == APPROVED else order["confirm_by"]
    return banner if by is None else replace(banner, by=by)


def _completed(order: Order, role: str, can_review: bool, payment: Payment | None) -> Banner:
    paid = order["payment_status"]
    if role != CUSTOMER:
        banner = _EARNING.get(paid, _EARNING["due"])
        return banner if role == PROVIDER else replace(banner, text=_STAFF_READ_ONLY)
    if paid == "processing" and payment is not None and payment["status"] == "requires_action":
        return _ONE_MORE_STEP
    if paid == "paid" and can_review:
        return _REVIEWING
    return _PAYING.get(paid, _PAYING["due"])


def _names(order: Order) -> Mapping[str, str]:
    customer, provider = order["customer"]["display_name"], order["provider"]["display_name"]
    return {"customer": bdi(customer), "provider": bdi(provider)}


def _filled(banner: Banner, words: Mapping[str, str]) -> Banner:
    title, text = fill(gettext(banner.title), words), fill(gettext(banner.text), words)
    return replace(banner, title=title, text=text, until=gettext(banner.until) if banner.until else "")


_RUNNING = {
    (PENDING, CUSTOMER): Banner(
        "wait",
        N_("Waiting for {provider}"),
        N_("They read your order and approve or decline it. You will be told."),
    ),
    (PENDING, PROVIDER): Banner(
        "act", N_("A new order for you"), N_("Read what {customer} needs, then approve or decline.")
    ),
    (PENDING, STAFF): Banner("wait", N_("Waiting for the provider"), N_("{provider} approves or declines.")),
    (APPROVED, CUSTOMER): Banner(
        "wait",
        N_("{provider} is working on it"),
        N_("You will be told when the work is completed."),
        N_("Due"),
    ),
    (APPROVED, PROVIDER): Banner(
        "act", N_("Your turn: do the work"), N_("When it is done, mark the work as completed."), N_("Due")
    ),
    (APPROVED, STAFF): Banner(
        "wait", N_("Work is going on"), N_("{provider} works on the order."), N_("Due")
    ),
    (WORK_COMPLETED, CUSTOMER): Banner(
        "act",
        N_("Your turn: look at the work"),
        N_("Confirm if it is what you wanted. Without an answer the order completes by itself."),
        N_("By"),
    ),
    (WORK_COMPLETED, PROVIDER): Banner(
        "wait",
        N_("Waiting for {customer}"),
        N_("They look at your work. Without an answer the order completes by itself."),
        N_("By"),
    ),
    (WORK_COMPLETED, STAFF): Banner(
        "wait", N_("Waiting for the customer"), N_("{customer} looks at it."), N_("By")
    ),
}
_CANCELLED = Banner("over", N_("This order is cancelled"), N_("You can still write to each other below."))
_CANCELLED_FOR_STAFF = replace(_CANCELLED, text=N_("Nothing more can be done."))
_STAFF_READ_ONLY = N_("You have read-only access as staff.")
_STOPPED = Banner(
    "bad", N_("There is a dispute"), N_("Everything stops until our staff decide. You can write below.")
)
_DISPUTED = {
    CUSTOMER: _STOPPED,
    PROVIDER: _STOPPED,
    STAFF: Banner(
        "act", N_("This dispute waits for you"), N_("Read what both wrote, then decide how it goes on.")
    ),
}
_ONE_MORE_STEP = Banner(
    "act", N_("Your turn: one more step to pay"), N_("Your payment waits for you to confirm it.")
)
_REVIEWING = Banner(
    "good", N_("How was it?"), N_("The order is completed and paid. Leave {provider} a review below.")
)
_PAYING = {
    "due": Banner(
        "act", N_("Your turn: pay"), N_("You confirmed the work, so the payment to {provider} is due.")
    ),
    "failed": Banner("act", N_("Your payment failed"), N_("Nothing was taken. Please try again.")),
    "processing": Banner(
        "wait", N_("Your payment is being processed"), N_("This page shows it when it is done.")
    ),
    "paid": Banner("good", N_("All done"), N_("The order is completed and paid. Thank you!")),
    "partly_refunded": Banner("good", N_("Partly refunded"), N_("A part of your payment was given back.")),
    "refunded": Banner("over", N_("Refunded"), N_("Your payment was given back.")),
}
_EARNING = {
    "due": Banner("wait", N_("Order completed"), N_("{customer} is to pay now. You will be told.")),
    "processing": Banner(
        "wait", N_("The payment is being processed"), N_("You will be told when it is done.")
    ),
    "failed": Banner("wait", N_("The payment failed"), N_("{customer} can try again. You will be told.")),
    "paid": Banner(
        "good", N_("Order completed and paid"), N_("Your share is shown below and on your dashboard.")
    ),
    "partly_refunded": Banner("good", N_("Partly refunded"), N_("A part of the payment was given back.")),
    "refunded": Banner("over", N_("Refunded"), N_("The payment was given back.")),
}
