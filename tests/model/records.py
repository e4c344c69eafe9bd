"""What the model stores besides orders: messages, threads, reviews, notifications and events."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.model.lifecycle import Order


@dataclass
class Message:
    """A message of an order."""

    id: str
    author_id: str
    body: str
    read: bool = False


@dataclass
class Thread:
    """What messaging has stored about an order: from its events, or from orders itself (`sequence` 0)."""

    sequence: int
    version: int
    status: int
    moved: int


@dataclass
class Review:
    """The one review of an order."""

    id: str
    order: Order
    rating: int
    text: str | None
    created_at: datetime
    version: int = 1
    reply: str | None = None


@dataclass
class Notification:
    """A notification; `cause` is the id of its event."""

    recipient_id: str
    type: str
    order_id: str
    cause: str
    read: bool = False


@dataclass(frozen=True)
class ExpectedEvent:
    """An event that must be published, by the fields that matter.

    `notifies` is the recipient and the order of a notification that is stored with it.
    """

    owner: str
    type: str
    fields: dict[str, Any]
    notifies: tuple[str, str] | None = None


@dataclass(frozen=True)
class PublishedEvent:
    """An event as its owner recorded it."""

    owner: str
    type: str
    body: dict[str, Any]

    @property
    def id(self) -> str:
        """Its `event_id`."""
        return str(self.body["event_id"])

    def matches(self, expected: ExpectedEvent) -> bool:
        """Whether it is the expected event."""
        data = {name: self.body.get(name) for name in expected.fields}
        return (self.owner, self.type, data) == (expected.owner, expected.type, expected.fields)
