"""Categories, search, services and one's own ones."""

import contextlib
from collections.abc import Iterator
from http import HTTPStatus

from gateway.http.request import Incoming
from gateway.routing.route import IfMatch, Kept, Key, Route, Shape, Storing, Who
from gateway.upstream.rpc_client import Reply
from kit.validation import PageArguments
from services.catalog import contract as catalog


async def list_categories(incoming: Incoming) -> Reply:
    """All categories."""
    return await incoming.call(catalog.LIST_CATEGORIES, **incoming.query)


async def search_services(incoming: Incoming) -> Reply:
    """Active services that fit."""
    return await incoming.call(catalog.SEARCH_SERVICES, **incoming.query)


async def get_service(incoming: Incoming) -> Reply:
    """One service."""
    return await incoming.call(catalog.GET_SERVICE, service_id=incoming.path["service_id"])


async def post_service(incoming: Incoming) -> Reply:
    """A new service of the caller's."""
    with _forgetting(incoming):
        return await incoming.call(catalog.POST_SERVICE, **incoming.body)


async def change_service(incoming: Incoming) -> Reply:
    """Changes a service of the caller's."""
    with _forgetting(incoming):
        return await incoming.call(
            catalog.CHANGE_SERVICE,
            service_id=incoming.path["service_id"],
            expected_version=incoming.expected_version,
            **incoming.body,
        )


async def archive_service(incoming: Incoming) -> Reply:
    """Takes a service of the caller's off the market for good."""
    with _forgetting(incoming):
        return await incoming.call(
            catalog.ARCHIVE_SERVICE,
            service_id=incoming.path["service_id"],
            expected_version=incoming.expected_version,
        )


async def list_own_services(incoming: Incoming) -> Reply:
    """The caller's services in every status."""
    return await incoming.call(catalog.LIST_OWN_SERVICES, **incoming.query)


@contextlib.contextmanager
def _forgetting(incoming: Incoming) -> Iterator[None]:
    """Who changed a service sees the change at once here, before its event has come round; also
    when the outcome is not known."""
    try:
        yield
    finally:
        incoming.gateway.cache.drop_service(incoming.path.get("service_id", ""))


ROUTES = (
    Route(
        method="GET",
        path="/v1/categories",
        handler=list_categories,
        who=Who.ANYONE,
        summary="All categories",
        query=PageArguments,
        shape=Shape.PAGE,
        answer=catalog.Category,
        storing=Storing.PUBLIC,
        kept=Kept.LISTING,
    ),
    Route(
        method="GET",
        path="/v1/services",
        handler=search_services,
        who=Who.ANYONE,
        summary="Search active services",
        query=catalog.ServiceQuery,
        shape=Shape.PAGE,
        answer=catalog.Service,
        storing=Storing.PUBLIC,
        kept=Kept.LISTING,
    ),
    Route(
        method="GET",
        path="/v1/services/{service_id}",
        handler=get_service,
        who=Who.ANYONE,
        summary="One service; a draft is visible to its owner only",
        shape=Shape.ONE,
        answer=catalog.Service,
        kept=Kept.SERVICE,
    ),
    Route(
        method="POST",
        path="/v1/services",
        handler=post_service,
        who=Who.SIGNED_IN,
        summary="Post a service",
        body=catalog.PostServiceBody,
        shape=Shape.ONE,
        answer=catalog.Service,
        status=HTTPStatus.CREATED,
        key=Key.OPTIONAL,
        location="/v1/services/{id}",
    ),
    Route(
        method="PATCH",
        path="/v1/services/{service_id}",
        handler=change_service,
        who=Who.SIGNED_IN,
        summary="Change your service",
        body=catalog.ChangeServiceBody,
        shape=Shape.ONE,
        answer=catalog.Service,
        key=Key.OPTIONAL,
        if_match=IfMatch.REQUIRED,
    ),
    Route(
        method="DELETE",
        path="/v1/services/{service_id}",
        handler=archive_service,
        who=Who.SIGNED_IN,
        summary="Archive your service",
        shape=Shape.NOTHING,
        status=HTTPStatus.NO_CONTENT,
        key=Key.OPTIONAL,
        if_match=IfMatch.REQUIRED,
    ),
    Route(
        method="GET",
        path="/v1/me/services",
        handler=list_own_services,
        who=Who.SIGNED_IN,
        summary="Your services in every status",
        query=catalog.OwnServicesQuery,
        shape=Shape.PAGE,
        answer=catalog.Service,
    ),
)
