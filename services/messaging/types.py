"""The types of the messaging service's answers and events.

Generated from contract.py by `make types`; do not edit.
"""

from typing import TypedDict

from kit.types import EventEnvelope, JsonObject, Party


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


class NotificationActor(TypedDict):
    """Who caused a notification; `id` is null when the marketplace itself did."""

    id: str | None
    display_name: str


class Notification(TypedDict):
    """One notification of one person. `data` is plain text and numbers, never markup."""

    id: str
    type: str
    order_id: str | None
    actor: NotificationActor
    data: JsonObject
    created_at: str
    read_at: str | None


class UnreadCount(TypedDict):
    """How many notifications the caller has not read."""

    count: int


class Channels(TypedDict):
    """Where notifications of one category may go."""

    in_app: bool
    email: bool


class Preferences(TypedDict):
    """A person's choice for every category; everything is on until switched off."""

    order_updates: Channels
    messages: Channels
    reviews: Channels
    payments: Channels


class MessagePostedFields(TypedDict):
    """The members of `MessagePosted` besides the envelope's."""

    message_id: str
    order_id: str
    author: Party
    recipient_ids: list[str]


class MessagePosted(MessagePostedFields, EventEnvelope):
    """A party wrote; `recipient_ids` are the accounts to tell."""


class NotificationCreatedFields(TypedDict):
    """The members of `NotificationCreated` besides the envelope's."""

    notification_id: str
    account_id: str
    type: str
    order_id: str | None


class NotificationCreated(NotificationCreatedFields, EventEnvelope):
    """A person got a notification."""
