"""Notifications and notification preferences."""

from http import HTTPStatus

from gateway.http.request import RequestContext
from gateway.routing.policies import Access, IdempotencyKey, ResponseKind
from gateway.routing.route import Route
from gateway.upstream.rpc_client import Reply
from services.messaging import contract as messaging


async def list_notifications(context: RequestContext) -> Reply:
    """Lists the caller's notifications."""
    return await context.call(messaging.LIST_NOTIFICATIONS, **context.query)


async def count_unread(context: RequestContext) -> Reply:
    """Counts the caller's unread notifications."""
    return await context.call(messaging.COUNT_UNREAD)


async def mark_notification(context: RequestContext) -> Reply:
    """Marks a notification as read or unread."""
    return await context.call(
        messaging.MARK_NOTIFICATION,
        notification_id=context.path["notification_id"],
        **context.body,
    )


async def mark_all_read(context: RequestContext) -> Reply:
    """Marks all notifications, or those of one order, as read."""
    return await context.call(messaging.MARK_ALL_READ, **context.query)


async def get_preferences(context: RequestContext) -> Reply:
    """Returns the caller's notification preferences."""
    return await context.call(messaging.GET_PREFERENCES)


async def change_preferences(context: RequestContext) -> Reply:
    """Changes the caller's notification preferences."""
    return await context.call(messaging.CHANGE_PREFERENCES, **context.body)


ROUTES = (
    Route(
        method="GET",
        path="/v1/notifications",
        handler=list_notifications,
        access=Access.SIGNED_IN,
        summary="Your notifications, newest first",
        query=messaging.NotificationsQuery,
        response_kind=ResponseKind.PAGE,
        response_schema=messaging.Notification,
    ),
    Route(
        method="GET",
        path="/v1/notifications/unread_count",
        handler=count_unread,
        access=Access.SIGNED_IN,
        summary="How many notifications you have not read",
        response_kind=ResponseKind.RESOURCE,
        response_schema=messaging.UnreadCount,
    ),
    Route(
        method="PATCH",
        path="/v1/notifications/{notification_id}",
        handler=mark_notification,
        access=Access.SIGNED_IN,
        summary="Mark a notification as read or unread",
        body=messaging.MarkNotificationBody,
        response_kind=ResponseKind.RESOURCE,
        response_schema=messaging.Notification,
        idempotency_key=IdempotencyKey.OPTIONAL,
    ),
    Route(
        method="POST",
        path="/v1/notifications/read_all",
        handler=mark_all_read,
        access=Access.SIGNED_IN,
        summary="Mark all notifications as read, or those about one order",
        query=messaging.MarkAllReadQuery,
        response_kind=ResponseKind.EMPTY,
        status=HTTPStatus.NO_CONTENT,
        idempotency_key=IdempotencyKey.OPTIONAL,
    ),
    Route(
        method="GET",
        path="/v1/me/notification_preferences",
        handler=get_preferences,
        access=Access.SIGNED_IN,
        summary="What you want to be told, and where",
        response_kind=ResponseKind.RESOURCE,
        response_schema=messaging.Preferences,
    ),
    Route(
        method="PATCH",
        path="/v1/me/notification_preferences",
        handler=change_preferences,
        access=Access.SIGNED_IN,
        summary="Change what you want to be told, and where",
        body=messaging.PreferencesBody,
        response_kind=ResponseKind.RESOURCE,
        response_schema=messaging.Preferences,
        idempotency_key=IdempotencyKey.OPTIONAL,
    ),
)
