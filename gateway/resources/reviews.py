"""Reviews of completed orders."""

from http import HTTPStatus

from gateway.http.request import Incoming
from gateway.routing.route import Key, Route, Shape, Storing, Who
from gateway.upstream.rpc_client import Reply
from services.reviews import contract as reviews


async def submit_review(incoming: Incoming) -> Reply:
    """The customer's review of an order."""
    return await incoming.call(reviews.SUBMIT_REVIEW, order_id=incoming.path["order_id"], **incoming.body)


async def get_review(incoming: Incoming) -> Reply:
    """The review of an order."""
    return await incoming.call(reviews.GET_REVIEW, order_id=incoming.path["order_id"])


async def change_review(incoming: Incoming) -> Reply:
    """The author changes it."""
    return await incoming.call(reviews.CHANGE_REVIEW, review_id=incoming.path["review_id"], **incoming.body)


async def reply_to_review(incoming: Incoming) -> Reply:
    """The provider's one reply."""
    return await incoming.call(reviews.REPLY_TO_REVIEW, review_id=incoming.path["review_id"], **incoming.body)


async def list_profile_reviews(incoming: Incoming) -> Reply:
    """A provider's reviews."""
    return await incoming.call(
        reviews.LIST_PROFILE_REVIEWS, account_id=incoming.path["account_id"], **incoming.query
    )


async def get_service_rating(incoming: Incoming) -> Reply:
    """The stars of a service."""
    return await incoming.call(reviews.GET_SERVICE_RATING, service_id=incoming.path["service_id"])


ROUTES = (
    Route(
        method="POST",
        path="/v1/orders/{order_id}/review",
        handler=submit_review,
        who=Who.SIGNED_IN,
        summary="Review a completed order",
        body=reviews.SubmitReviewBody,
        shape=Shape.ONE,
        answer=reviews.Review,
        status=HTTPStatus.CREATED,
        key=Key.REQUIRED,
        location="/v1/orders/{order_id}/review",
    ),
    Route(
        method="GET",
        path="/v1/orders/{order_id}/review",
        handler=get_review,
        who=Who.SIGNED_IN,
        summary="The review of an order",
        shape=Shape.ONE,
        answer=reviews.Review,
    ),
    Route(
        method="PATCH",
        path="/v1/reviews/{review_id}",
        handler=change_review,
        who=Who.SIGNED_IN,
        summary="Change your review",
        body=reviews.ChangeReviewBody,
        shape=Shape.ONE,
        answer=reviews.Review,
        key=Key.OPTIONAL,
    ),
    Route(
        method="POST",
        path="/v1/reviews/{review_id}/reply",
        handler=reply_to_review,
        who=Who.SIGNED_IN,
        summary="Reply to a review of your work",
        body=reviews.ReplyToReviewBody,
        shape=Shape.ONE,
        answer=reviews.Review,
        status=HTTPStatus.CREATED,
        key=Key.OPTIONAL,
    ),
    Route(
        method="GET",
        path="/v1/profiles/{account_id}/reviews",
        handler=list_profile_reviews,
        who=Who.ANYONE,
        summary="A provider's reviews, newest first",
        query=reviews.ListProfileReviewsQuery,
        shape=Shape.PAGE,
        answer=reviews.Review,
        storing=Storing.PUBLIC,
    ),
    Route(
        method="GET",
        path="/v1/services/{service_id}/rating",
        handler=get_service_rating,
        who=Who.ANYONE,
        summary="How many of each star a service was given",
        shape=Shape.ONE,
        answer=reviews.ServiceRating,
        storing=Storing.PUBLIC,
    ),
)
