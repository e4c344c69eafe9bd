"""The public interface of reviews: its RPC methods, answers and events."""

from marshmallow import Schema, fields, validate

from kit.contracts import Event, EventSchema, Rpc
from kit.validation import Id, PageArguments, Party, StrictInteger, Text, Timestamp, path_id, text

MIN_STARS = 1
MAX_STARS = 5
MAX_TEXT_CHARACTERS = 2000
ACTIONS = ("edit", "reply")
CHANGES = ("edited", "replied", "hidden")


def stars(**options: bool) -> StrictInteger:
    """A field of whole stars: an integer from 1 to 5, never a boolean, string or float."""
    return StrictInteger(validate=validate.Range(MIN_STARS, MAX_STARS), **options)


class ReviewedService(Schema):
    """The service (the listing) as it was called when it was ordered."""

    id = Id(required=True)
    title = Text(required=True)


class Reply(Schema):
    """The provider's one answer to a review."""

    text = Text(required=True)
    created_at = Timestamp(required=True)


class Review(Schema):
    """What a customer thinks of a completed order.

    `text` is null when none was written and otherwise exactly as typed; `reply` is null until
    the provider answers; names are the current ones; `version` grows with every change.
    `hidden` reviews count in no rating and stand in no public list. `available_actions` is the
    same for every reader: its author may `edit` it until `edit_by`, its provider may `reply` once.
    """

    id = Id(required=True)
    order_id = Id(required=True)
    service_id = Id(required=True)
    service_title = Text(required=True)
    rating = stars(required=True)
    text = Text(required=True, allow_none=True)
    author = fields.Nested(Party, required=True)
    provider = fields.Nested(Party, required=True)
    reply = fields.Nested(Reply, required=True, allow_none=True)
    hidden = fields.Boolean(required=True)
    created_at = Timestamp(required=True)
    updated_at = Timestamp(required=True)
    version = StrictInteger(required=True)
    available_actions = fields.List(Text(validate=validate.OneOf(ACTIONS)), required=True)
    edit_by = Timestamp(required=True)


class SubmitReviewBody(Schema):
    """Body of `POST /v1/orders/{id}/review`."""

    rating = stars(required=True)
    text = text(0, MAX_TEXT_CHARACTERS, load_default=None, allow_none=True)


class SubmitReviewArguments(SubmitReviewBody):
    """A new review of one order. A malformed id in a path is the id of nothing: not found."""

    order_id = path_id(required=True)


class GetReviewArguments(Schema):
    """The review of one order."""

    order_id = path_id(required=True)


class ChangeReviewBody(Schema):
    """Body of `PATCH /v1/reviews/{id}`: what is absent stays; a null `text` takes the text away."""

    rating = stars()
    text = text(0, MAX_TEXT_CHARACTERS, allow_none=True)


class ChangeReviewArguments(ChangeReviewBody):
    """Changes of one review by its author."""

    review_id = path_id(required=True)


class ReplyToReviewBody(Schema):
    """Body of `POST /v1/reviews/{id}/reply`."""

    text = text(1, MAX_TEXT_CHARACTERS, required=True)


class ReplyToReviewArguments(ReplyToReviewBody):
    """The provider's reply to one review."""

    review_id = path_id(required=True)


class ListProfileReviewsQuery(PageArguments):
    """Query string of `GET /v1/profiles/{account_id}/reviews`."""

    service_id = Id(metadata={"description": "Only reviews of this service."})


class ListProfileReviewsArguments(ListProfileReviewsQuery):
    """A provider's reviews, newest first."""

    account_id = path_id(required=True)


class GetServiceRatingArguments(Schema):
    """The rating of one service."""

    service_id = path_id(required=True)


StarCounts = Schema.from_dict(
    {str(stars): StrictInteger(required=True) for stars in range(MIN_STARS, MAX_STARS + 1)},
    name="StarCounts",
)
"""How many reviews gave 1, 2, … 5 stars."""


class ServiceRating(Schema):
    """What a service's reviews add up to, hidden ones left out; `average` is null while `count` is 0."""

    average = fields.Float(required=True, allow_none=True)
    count = StrictInteger(required=True)
    stars = fields.Nested(StarCounts, required=True)


SUBMIT_REVIEW = Rpc("reviews", "submit_review", SubmitReviewArguments, Review, mutates=True)
GET_REVIEW = Rpc("reviews", "get_review", GetReviewArguments, Review)
CHANGE_REVIEW = Rpc("reviews", "change_review", ChangeReviewArguments, Review, mutates=True)
REPLY_TO_REVIEW = Rpc("reviews", "reply_to_review", ReplyToReviewArguments, Review, mutates=True)
LIST_PROFILE_REVIEWS = Rpc("reviews", "list_profile_reviews", ListProfileReviewsArguments, Review, paged=True)

GET_SERVICE_RATING = Rpc("reviews", "get_service_rating", GetServiceRatingArguments, ServiceRating)


class ReviewSubmitted(EventSchema):
    """A customer has reviewed an order."""

    review_id = Id(required=True)
    order_id = Id(required=True)
    service = fields.Nested(ReviewedService, required=True)
    rating = stars(required=True)
    customer = fields.Nested(Party, required=True)
    provider = fields.Nested(Party, required=True)
    review_version = StrictInteger(required=True)


class ReviewChanged(ReviewSubmitted):
    """A review was edited by its author, replied to by the provider or hidden by staff."""

    change = Text(required=True, validate=validate.OneOf(CHANGES))


class RatingChanged(EventSchema):
    """The rating of one provider or service, absolute: apply it only if `rating_version` is larger.

    `average` is `stars_total / count` rounded to two decimals, null when `count` is 0.
    """

    subject = Text(required=True, validate=validate.OneOf(("provider", "service")))
    subject_id = Id(required=True)
    rating_version = StrictInteger(required=True)
    count = StrictInteger(required=True)
    stars_total = StrictInteger(required=True)
    average = fields.Float(required=True, allow_none=True)


REVIEW_SUBMITTED = Event("reviews", "review_submitted", ReviewSubmitted, ("messaging",), live=True)
REVIEW_CHANGED = Event(
    "reviews",
    "review_changed",
    ReviewChanged,
    outcome="change",
    consumers={"messaging": ("replied",)},
    live=True,
)
RATING_CHANGED = Event(
    "reviews",
    "rating_changed",
    RatingChanged,
    outcome="subject",
    consumers={"catalog": ("service",), "accounts": ("provider",)},
)
