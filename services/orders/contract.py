"""The public interface of orders: statuses, transitions, RPC methods and events.

Statuses and the JSON of an order are part of the HTTP API; change them additively only.
"""

from enum import IntEnum
from typing import Any, TypedDict

from marshmallow import Schema, ValidationError, fields, validate

from kit.contracts import EVERY, Event, EventSchema, Rpc
from kit.validation import (
    Id,
    Money,
    PageArguments,
    Party,
    StrictInteger,
    Text,
    Timestamp,
    expected_version,
    path_id,
    text,
)


class Status(IntEnum):
    """Where an order stands. 5 and 6 are reserved: never stored, never sent."""

    PENDING = 1
    APPROVED = 2
    WORK_COMPLETED = 3
    COMPLETED = 4
    CANCELLED = 7


class StatusMeaning(TypedDict):
    """One row of the public table of statuses."""

    code: int
    name: str
    label: str
    meaning: str


STATUSES: tuple[StatusMeaning, ...] = (
    {
        "code": 1,
        "name": "pending",
        "label": "Pending",
        "meaning": "The customer has asked. The provider reads it, and approves or declines.",
    },
    {
        "code": 2,
        "name": "approved",
        "label": "Order Placed",
        "meaning": "The provider approved the order; work can begin.",
    },
    {
        "code": 3,
        "name": "work_completed",
        "label": "Work Completed",
        "meaning": "The provider says the work is done; the customer looks at it.",
    },
    {
        "code": 4,
        "name": "completed",
        "label": "Order Completed",
        "meaning": "The customer confirmed. The payment is due, and the customer can leave a review.",
    },
    {
        "code": 7,
        "name": "cancelled",
        "label": "Cancelled",
        "meaning": "Declined, withdrawn, expired or cancelled for any reason.",
    },
)
STATUS_CODES: tuple[int, ...] = tuple(row["code"] for row in STATUSES)

TRANSITIONS: tuple[str, ...] = (
    "submit", "approve", "decline", "withdraw", "expire", "complete_work", "request_changes", "confirm",
    "auto_confirm", "cancel", "open_dispute", "resolve_dispute",
)  # fmt: skip
ROLES: tuple[str, ...] = ("customer", "provider", "staff", "system")
PAYMENT_STATUSES: tuple[str, ...] = (
    "not_due", "due", "processing", "paid", "failed", "refunded", "partly_refunded",
)  # fmt: skip
SORTS: tuple[str, ...] = ("-updated_at", "-created_at")
LONGEST_STATUS_FILTER = 50


class StatusFilter(fields.String):
    """Statuses to show, `1,2` in a query string; loads to a sorted list of codes without repeats."""

    def __init__(self, **options: Any) -> None:
        super().__init__(metadata={"maxLength": LONGEST_STATUS_FILTER}, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        codes = value.split(",") if isinstance(value, str) else value
        if not isinstance(codes, list) or not 0 < len(codes) <= LONGEST_STATUS_FILTER:
            raise ValidationError("Must be status codes separated by commas.")
        wanted = {str(code).strip() for code in codes}
        if not wanted <= {str(code) for code in STATUS_CODES}:
            raise ValidationError(f"Must be among {', '.join(map(str, STATUS_CODES))}.")
        return sorted(int(code) for code in wanted)


def _status(**options: Any) -> StrictInteger:
    return StrictInteger(validate=validate.OneOf(STATUS_CODES), **options)


# --- requests ---------------------------------------------------------------------------------


class SubmitOrderBody(Schema):
    """A new order. With `expected_price` it is refused when the price has changed (409
    `price_changed` with `current_price`)."""

    service_id = Id(required=True)
    requirements = text(1, 4000, required=True)
    expected_price = fields.Nested(Money, load_default=None, allow_none=True)


class TransitionOrderBody(Schema):
    """A step of an order. Which steps need a reason, the rules say (422 `reason_required`);
    a blank one counts as none. `to_status` belongs to `resolve_dispute` only."""

    transition = Text(required=True, validate=validate.OneOf(TRANSITIONS, error="Not a transition."))
    reason = text(0, 2000, load_default=None, allow_none=True)
    note = text(0, 4000, load_default=None, allow_none=True)
    to_status = StrictInteger(load_default=None, allow_none=True, validate=validate.Range(0, 99))


class ListOrdersQuery(PageArguments):
    """The caller's orders in one of their two roles."""

    role = Text(required=True, validate=validate.OneOf(("customer", "provider")))
    status = StatusFilter(load_default=None, allow_none=True)
    sort = Text(
        load_default="-updated_at",
        validate=validate.OneOf(SORTS),
        metadata={
            "description": "By `-updated_at` an order that changes while pages are read moves to the front "
            "and may be on none of them. `-created_at` is stable: read whole lists by it."
        },
    )


class GetOrderArguments(Schema):
    """A malformed id is simply the id of no order."""

    order_id = path_id(required=True)


class TransitionOrderArguments(TransitionOrderBody):
    """`expected_version` is the version in `If-Match`, None without one."""

    order_id = path_id(required=True)
    expected_version = expected_version()


class ListTransitionsArguments(PageArguments):
    """One order's history."""

    order_id = path_id(required=True)


# --- answers ----------------------------------------------------------------------------------


class OrderedService(Schema):
    """The service as it was called when the order was submitted."""

    id = Id(required=True)
    title = Text(required=True)


class OrderActor(Schema):
    """Who did it; `id` is null for the system itself."""

    id = Id(required=True, allow_none=True)
    display_name = Text(required=True)
    role = Text(required=True, validate=validate.OneOf(ROLES))


class Order(Schema):
    """An order as its parties and staff see it.

    `updated_at` is the time of the last transition, so at status 4 the time of completion.
    `confirm_by` is when it will be confirmed by itself, null while no such clock runs.
    `available_transitions` is what this caller may do now.
    """

    id = Id(required=True)
    number = Text(required=True)
    status = _status(required=True)
    status_name = Text(required=True, validate=validate.OneOf([row["name"] for row in STATUSES]))
    status_label = Text(required=True, validate=validate.OneOf([row["label"] for row in STATUSES]))
    service = fields.Nested(OrderedService, required=True)
    price = fields.Nested(Money, required=True)
    customer = fields.Nested(Party, required=True)
    provider = fields.Nested(Party, required=True)
    requirements = Text(required=True)
    payment_status = Text(required=True, validate=validate.OneOf(PAYMENT_STATUSES))
    disputed = fields.Boolean(required=True)
    revisions_used = StrictInteger(required=True)
    revisions_allowed = StrictInteger(required=True)
    due_at = Timestamp(required=True, allow_none=True)
    confirm_by = Timestamp(required=True, allow_none=True)
    created_at = Timestamp(required=True)
    updated_at = Timestamp(required=True)
    version = StrictInteger(required=True)
    available_transitions = fields.List(Text(validate=validate.OneOf(TRANSITIONS)), required=True)


class OrderTransition(Schema):
    """One line of an order's history. `from_status` is null for `submit`."""

    sequence = StrictInteger(required=True)
    transition = Text(required=True, validate=validate.OneOf(TRANSITIONS))
    from_status = _status(required=True, allow_none=True)
    to_status = _status(required=True)
    actor = fields.Nested(OrderActor, required=True)
    reason = Text(required=True, allow_none=True)
    note = Text(required=True, allow_none=True)
    created_at = Timestamp(required=True)


SUBMIT_ORDER = Rpc("orders", "submit_order", SubmitOrderBody, Order, mutates=True)
LIST_ORDERS = Rpc("orders", "list_orders", ListOrdersQuery, Order, paged=True)
GET_ORDER = Rpc(
    "orders",
    "get_order",
    GetOrderArguments,
    Order,
    callers=("messaging", "reviews", "payments"),
    on_behalf=True,
)
TRANSITION_ORDER = Rpc("orders", "transition_order", TransitionOrderArguments, Order, mutates=True)
LIST_TRANSITIONS = Rpc("orders", "list_transitions", ListTransitionsArguments, OrderTransition, paged=True)


# --- events -----------------------------------------------------------------------------------


class OrderStatusChanged(EventSchema):
    """Any transition, disputes included (there the status may stay). Apply its state only when
    `sequence` is larger than the one known. `requirements` comes with `submit` only."""

    order_id = Id(required=True)
    number = Text(required=True)
    order_version = StrictInteger(required=True)
    transition = Text(required=True, validate=validate.OneOf(TRANSITIONS))
    from_status = _status(required=True, allow_none=True)
    to_status = _status(required=True)
    sequence = StrictInteger(required=True)
    disputed = fields.Boolean(required=True)
    customer = fields.Nested(Party, required=True)
    provider = fields.Nested(Party, required=True)
    actor = fields.Nested(OrderActor, required=True)
    service = fields.Nested(OrderedService, required=True)
    price = fields.Nested(Money, required=True)
    requirements = Text()
    reason = Text(required=True, allow_none=True)
    note = Text(required=True, allow_none=True)
    completed_at = Timestamp(required=True, allow_none=True)


class OrderReminderDue(EventSchema):
    """The customer is reminded to confirm: `day` days have passed since the work was completed, and at
    `confirm_by` the system confirms the order."""

    order_id = Id(required=True)
    number = Text(required=True)
    customer = fields.Nested(Party, required=True)
    provider = fields.Nested(Party, required=True)
    service = fields.Nested(OrderedService, required=True)
    kind = Text(required=True, validate=validate.OneOf(("confirm",)))
    day = StrictInteger(required=True)
    confirm_by = Timestamp(required=True)


ORDER_STATUS_CHANGED = Event(
    "orders",
    "order_status_changed",
    OrderStatusChanged,
    outcome="to_status",
    consumers={
        "messaging": EVERY,
        "reviews": (Status.COMPLETED,),
        "accounts": (Status.COMPLETED,),
        "payments": (Status.COMPLETED,),
    },
    live=True,
)
ORDER_REMINDER_DUE = Event("orders", "order_reminder_due", OrderReminderDue, consumers=("messaging",))
