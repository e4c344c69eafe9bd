"""The types of messages.

Generated from the OpenAPI document by `make types`; do not edit.
"""

from typing import TypedDict

from client.resources.shared import Party


class Message(TypedDict):
    """One message of an order's thread; `read_at` is when the other party read it."""

    id: str
    order_id: str
    author: Party
    body: str
    created_at: str
    read_at: str | None


class ThreadService(TypedDict):
    """The ordered service as it was called when the order was submitted."""

    id: str
    title: str


class ThreadOrder(TypedDict):
    """The order a thread belongs to; `status` is its public code."""

    id: str
    number: str
    status: int
    service: ThreadService


class Thread(TypedDict):
    """One line of the inbox, as the caller sees it. An order has one thread, so its id names both."""

    order_id: str
    order: ThreadOrder
    other_party: Party
    last_message: Message | None
    unread_count: int
    updated_at: str
