"""Categories, search, services, and the caller's own services."""

import contextlib
from collections.abc import Iterator
from http import HTTPStatus

from gateway.http.request import RequestContext
from gateway.routing.policies import Access, CacheControl, CacheRegion, IdempotencyKey, IfMatch, ResponseKind
from gateway.routing.route import Route
from gateway.upstream.rpc_client import Reply
from kit.validation import PageArguments
from services.catalog import contract as catalog


async def list_categories(context: RequestContext) -> Reply:
    """Lists all categories."""
    return await context.call(catalog.LIST_CATEGORIES, **context.query)


async def search_services(context: RequestContext) -> Reply:
    """Searches active services."""
    return await context.call(catalog.SEARCH_SERVICES, **context.query)


async def get_service(context: RequestContext) -> Reply:
    """Returns one service."""
    return await context.call(catalog.GET_SERVICE, service_id=context.path["service_id"])


async def post_service(context: RequestContext) -> Reply:
    """Posts a service of the caller."""
    with _evicting(context):
        return await context.call(catalog.POST_SERVICE, **context.body)


async def change_service(context: RequestContext) -> Reply:
    """Changes a service of the caller."""
    with _evicting(context):
        return await context.call(
            catalog.CHANGE_SERVICE,
            service_id=context.path["service_id"],
            expected_version=context.expected_version,
            **context.body,
        )


async def archive_service(context: RequestContext) -> Reply:
    """Archives a service of the caller."""
    with _evicting(context):
        return await context.call(
            catalog.ARCHIVE_SERVICE,
            service_id=context.path["service_id"],
            expected_version=context.expected_version,
        )


async def list_own_services(context: RequestContext) -> Reply:
    """Lists the caller's services in every status."""
    return await context.call(catalog.LIST_OWN_SERVICES, **context.query)


@contextlib.contextmanager
def _evicting(context: RequestContext) -> Iterator[None]:
    """Evicts the service from the cache, so that its owner sees the change before its event arrives; also
    when the outcome is unknown."""
    try:
        yield
    finally:
        context.gateway.cache.drop_service(context.path.get("service_id", ""))


ROUTES = (
    Route(
        method="GET",
        path="/v1/categories",
        handler=list_categories,
        access=Access.ANYONE,
        summary="All categories",
        query=PageArguments,
        response_kind=ResponseKind.PAGE,
        response_schema=catalog.Category,
        cache_control=CacheControl.PUBLIC,
        cache_region=CacheRegion.LISTING,
    ),
    Route(
        method="GET",
        path="/v1/services",
        handler=search_services,
        access=Access.ANYONE,
        summary="Search active services",
        query=catalog.ServiceQuery,
        response_kind=ResponseKind.PAGE,
        response_schema=catalog.Service,
        cache_control=CacheControl.PUBLIC,
        cache_region=CacheRegion.LISTING,
    ),
    Route(
        method="GET",
        path="/v1/services/{service_id}",
        handler=get_service,
        access=Access.ANYONE,
        summary="One service; a draft is visible to its owner only",
        response_kind=ResponseKind.RESOURCE,
        response_schema=catalog.Service,
        cache_region=CacheRegion.SERVICE,
    ),
    Route(
        method="POST",
        path="/v1/services",
        handler=post_service,
        access=Access.SIGNED_IN,
        summary="Post a service",
        body=catalog.PostServiceBody,
        response_kind=ResponseKind.RESOURCE,
        response_schema=catalog.Service,
        status=HTTPStatus.CREATED,
        idempotency_key=IdempotencyKey.OPTIONAL,
        location="/v1/services/{id}",
    ),
    Route(
        method="PATCH",
        path="/v1/services/{service_id}",
        handler=change_service,
        access=Access.SIGNED_IN,
        summary="Change your service",
        body=catalog.ChangeServiceBody,
        response_kind=ResponseKind.RESOURCE,
        response_schema=catalog.Service,
        idempotency_key=IdempotencyKey.OPTIONAL,
        if_match=IfMatch.REQUIRED,
    ),
    Route(
        method="DELETE",
        path="/v1/services/{service_id}",
        handler=archive_service,
        access=Access.SIGNED_IN,
        summary="Archive your service",
        response_kind=ResponseKind.EMPTY,
        status=HTTPStatus.NO_CONTENT,
        idempotency_key=IdempotencyKey.OPTIONAL,
        if_match=IfMatch.REQUIRED,
    ),
    Route(
        method="GET",
        path="/v1/me/services",
        handler=list_own_services,
        access=Access.SIGNED_IN,
        summary="Your services in every status",
        query=catalog.OwnServicesQuery,
        response_kind=ResponseKind.PAGE,
        response_schema=catalog.Service,
    ),
)
