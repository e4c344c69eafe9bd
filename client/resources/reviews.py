"""The types of reviews.

Generated from the OpenAPI document by `make types`; do not edit.
"""

from typing import TypedDict

from client.resources.shared import Party


class Reply(TypedDict):
    """The provider's one answer to a review."""

    text: str
    created_at: str


class Review(TypedDict):
    """What a customer thinks of a completed order.

    `text` is null when none was written and otherwise exactly as typed; `reply` is null until
    the provider answers; names are the current ones; `version` grows with every change.
    `hidden` reviews count in no rating and stand in no public list. `available_actions` is the
    same for every reader: its author may `edit` it until `edit_by`, its provider may `reply` once.
    """

    id: str
    order_id: str
    service_id: str
    service_title: str
    rating: int
    text: str | None
    author: Party
    provider: Party
    reply: Reply | None
    hidden: bool
    created_at: str
    updated_at: str
    version: int
    available_actions: list[str]
    edit_by: str


StarCounts = TypedDict("StarCounts", {"1": int, "2": int, "3": int, "4": int, "5": int})


class ServiceRating(TypedDict):
    """What a service's reviews add up to, hidden ones left out; `average` is null while `count` is 0."""

    average: float | None
    count: int
    stars: StarCounts
