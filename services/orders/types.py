"""The types of the orders service's answers and events.

Generated from contract.py by `make types`; do not edit.
"""

from typing import NotRequired, TypedDict

from kit.types import EventEnvelope, Money, Party


class OrderedService(TypedDict):
    """The service as it was called when the order was submitted."""

    id: str
    title: str


class Order(TypedDict):
    """An order as its parties and staff see it.

    `updated_at` is the time of the last transition, so at status 4 the time of completion.
    `confirm_by` is when it will be confirmed by itself, null while no such clock runs.
    `available_transitions` is what this caller may do now.
    """

    id: str
    number: str
    status: int
    status_name: str
    status_label: str
    service: OrderedService
    price: Money
    customer: Party
    provider: Party
    requirements: str
    payment_status: str
    disputed: bool
    revisions_used: int
    revisions_allowed: int
    due_at: str | None
    confirm_by: str | None
    created_at: str
    updated_at: str
    version: int
    available_transitions: list[str]


class OrderActor(TypedDict):
    """Who did it; `id` is null for the system itself."""

    id: str | None
    display_name: str
    role: str


class OrderTransition(TypedDict):
    """One line of an order's history. `from_status` is null for `submit`."""

    sequence: int
    transition: str
    from_status: int | None
    to_status: int
    actor: OrderActor
    reason: str | None
    note: str | None
    created_at: str


class OrderStatusChangedFields(TypedDict):
    """The members of `OrderStatusChanged` besides the envelope's."""

    order_id: str
    number: str
    order_version: int
    transition: str
    from_status: int | None
    to_status: int
    sequence: int
    disputed: bool
    customer: Party
    provider: Party
    actor: OrderActor
    service: OrderedService
    price: Money
    requirements: NotRequired[str]
    reason: str | None
    note: str | None
    completed_at: str | None


class OrderStatusChanged(OrderStatusChangedFields, EventEnvelope):
    """Any transition, disputes included (there the status may stay). Apply its state only when
    `sequence` is larger than the one known. `requirements` comes with `submit` only."""


class OrderReminderDueFields(TypedDict):
    """The members of `OrderReminderDue` besides the envelope's."""

    order_id: str
    number: str
    customer: Party
    provider: Party
    service: OrderedService
    kind: str
    day: int
    confirm_by: str


class OrderReminderDue(OrderReminderDueFields, EventEnvelope):
    """The customer is reminded to confirm: `day` days have passed since the work was completed, and at
    `confirm_by` the system confirms the order."""
