"""The types of orders.

Generated from the OpenAPI document by `make types`; do not edit.
"""

from typing import TypedDict

from client.resources.shared import Money, Party


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


class OrderStatus(TypedDict):
    """A status of an order."""

    code: int
    name: str
    label: str
    meaning: str
