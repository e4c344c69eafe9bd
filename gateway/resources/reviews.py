"""Reviews of completed orders."""

from http import HTTPStatus

from gateway.http.request import RequestContext
from gateway.routing.policies import Access, CacheControl, IdempotencyKey, ResponseKind
from gateway.routing.route import Route
from gateway.upstream.rpc_client import Reply
from services.reviews import contract as reviews


async def submit_review(context: RequestContext) -> Reply:
    """Submits the customer's review of an order."""
    return await context.call(reviews.SUBMIT_REVIEW, order_id=context.path["order_id"], **context.body)


async def get_review(context: RequestContext) -> Reply:
    """Returns the review of an order."""
    return await context.call(reviews.GET_REVIEW, order_id=context.path["order_id"])


async def change_review(context: RequestContext) -> Reply:
    """Changes a review."""
    return await context.call(reviews.CHANGE_REVIEW, review_id=context.path["review_id"], **context.body)


async def reply_to_review(context: RequestContext) -> Reply:
    """Adds the provider's reply to a review."""
    return await context.call(reviews.REPLY_TO_REVIEW, review_id=context.path["review_id"], **context.body)


async def list_profile_reviews(context: RequestContext) -> Reply:
    """Lists a provider's reviews."""
    return await context.call(
        reviews.LIST_PROFILE_REVIEWS, account_id=context.path["account_id"], **context.query
    )


async def get_service_rating(context: RequestContext) -> Reply:
    """Returns the distribution of a service's ratings."""
    return await context.call(reviews.GET_SERVICE_RATING, service_id=context.path["service_id"])


ROUTES = (
    Route(
        method="POST",
        path="/v1/orders/{order_id}/review",
        handler=submit_review,
        access=Access.SIGNED_IN,
        summary="Review a completed order",
        body=reviews.SubmitReviewBody,
        response_kind=ResponseKind.RESOURCE,
        response_schema=reviews.Review,
        status=HTTPStatus.CREATED,
        idempotency_key=IdempotencyKey.REQUIRED,
        location="/v1/orders/{order_id}/review",
    ),
    Route(
        method="GET",
        path="/v1/orders/{order_id}/review",
        handler=get_review,
        access=Access.SIGNED_IN,
        summary="The review of an order",
        response_kind=ResponseKind.RESOURCE,
        response_schema=reviews.Review,
    ),
    Route(
        method="PATCH",
        path="/v1/reviews/{review_id}",
        handler=change_review,
        access=Access.SIGNED_IN,
        summary="Change your review",
        body=reviews.ChangeReviewBody,
        response_kind=ResponseKind.RESOURCE,
        response_schema=reviews.Review,
        idempotency_key=IdempotencyKey.OPTIONAL,
    ),
    Route(
        method="POST",
        path="/v1/reviews/{review_id}/reply",
        handler=reply_to_review,
        access=Access.SIGNED_IN,
        summary="Reply to a review of your work",
        body=reviews.ReplyToReviewBody,
        response_kind=ResponseKind.RESOURCE,
        response_schema=reviews.Review,
        status=HTTPStatus.CREATED,
        idempotency_key=IdempotencyKey.OPTIONAL,
    ),
    Route(
        method="GET",
        path="/v1/profiles/{account_id}/reviews",
        handler=list_profile_reviews,
        access=Access.ANYONE,
        summary="A provider's reviews, newest first",
        query=reviews.ListProfileReviewsQuery,
        response_kind=ResponseKind.PAGE,
        response_schema=reviews.Review,
        cache_control=CacheControl.PUBLIC,
    ),
    Route(
        method="GET",
        path="/v1/services/{service_id}/rating",
        handler=get_service_rating,
        access=Access.ANYONE,
        summary="How many of each star a service was given",
        response_kind=ResponseKind.RESOURCE,
        response_schema=reviews.ServiceRating,
        cache_control=CacheControl.PUBLIC,
    ),
)
