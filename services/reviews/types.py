"""The types of the reviews service's answers and events.

Generated from contract.py by `make types`; do not edit.
"""

from typing import TypedDict

from kit.types import EventEnvelope, Party


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


class ReviewedService(TypedDict):
    """The service (the listing) as it was called when it was ordered."""

    id: str
    title: str


class ReviewSubmittedFields(TypedDict):
    """The members of `ReviewSubmitted` besides the envelope's."""

    review_id: str
    order_id: str
    service: ReviewedService
    rating: int
    customer: Party
    provider: Party
    review_version: int


class ReviewSubmitted(ReviewSubmittedFields, EventEnvelope):
    """A customer has reviewed an order."""


class ReviewChangedFields(TypedDict):
    """The members of `ReviewChanged` besides the envelope's."""

    review_id: str
    order_id: str
    service: ReviewedService
    rating: int
    customer: Party
    provider: Party
    review_version: int
    change: str


class ReviewChanged(ReviewChangedFields, EventEnvelope):
    """A review was edited by its author, replied to by the provider or hidden by staff."""


class RatingChangedFields(TypedDict):
    """The members of `RatingChanged` besides the envelope's."""

    subject: str
    subject_id: str
    rating_version: int
    count: int
    stars_total: int
    average: float | None


class RatingChanged(RatingChangedFields, EventEnvelope):
    """The rating of one provider or service, absolute: apply it only if `rating_version` is larger.

    `average` is `stars_total / count` rounded to two decimals, null when `count` is 0.
    """
