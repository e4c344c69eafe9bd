"""The types of notifications.

Generated from the OpenAPI document by `make types`; do not edit.
"""

from typing import Any, TypedDict


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
    data: dict[str, Any]
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
