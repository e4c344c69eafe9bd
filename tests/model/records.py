"""What the model remembers besides orders: messages, threads, reviews, notifications and facts."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.model.lifecycle import Order


@dataclass
class Message:
    """What somebody wrote on an order."""

    id: str
    author_id: str
    body: str
    read: bool = False


@dataclass
class Thread:
    """What messaging has heard of an order: by its events, or by asking (then `sequence` is 0)."""

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
    """What one person was told; `cause` is an event's id."""

    recipient_id: str
    type: str
    order_id: str
    cause: str
    read: bool = False


@dataclass(frozen=True)
class Fact:
    """An event that must be published, by the fields that matter.

    `tells`: whom it notifies in the same moment, and of which order.
    """

    owner: str
    type: str
    fields: dict[str, Any]
    tells: tuple[str, str] | None = None


@dataclass(frozen=True)
class Published:
    """An event as its owner recorded it."""

    owner: str
    type: str
    body: dict[str, Any]

    @property
    def id(self) -> str:
        """Its `event_id`."""
        return str(self.body["event_id"])

    def fits(self, fact: Fact) -> bool:
        """Whether it is the one that was expected."""
        told = {name: self.body.get(name) for name in fact.fields}
        return (self.owner, self.type, told) == (fact.owner, fact.type, fact.fields)
