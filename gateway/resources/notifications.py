"""Notifications, and what a person wants to be told."""

from http import HTTPStatus

from gateway.http.request import Incoming
from gateway.routing.route import Key, Route, Shape, Who
from gateway.upstream.rpc_client import Reply
from services.messaging import contract as messaging


async def list_notifications(incoming: Incoming) -> Reply:
    """The caller's notifications."""
    return await incoming.call(messaging.LIST_NOTIFICATIONS, **incoming.query)


async def count_unread(incoming: Incoming) -> Reply:
    """How many the caller has not read."""
    return await incoming.call(messaging.COUNT_UNREAD)


async def mark_notification(incoming: Incoming) -> Reply:
    """Read, or unread again."""
    return await incoming.call(
        messaging.MARK_NOTIFICATION, notification_id=incoming.path["notification_id"], **incoming.body
    )


async def mark_all_read(incoming: Incoming) -> Reply:
    """All read, or all about one order."""
    return await incoming.call(messaging.MARK_ALL_READ, **incoming.query)


async def get_preferences(incoming: Incoming) -> Reply:
    """What the caller wants to be told, and where."""
    return await incoming.call(messaging.GET_PREFERENCES)


async def change_preferences(incoming: Incoming) -> Reply:
    """Changes that."""
    return await incoming.call(messaging.CHANGE_PREFERENCES, **incoming.body)


ROUTES = (
    Route(
        method="GET",
        path="/v1/notifications",
        handler=list_notifications,
        who=Who.SIGNED_IN,
        summary="Your notifications, newest first",
        query=messaging.NotificationsQuery,
        shape=Shape.PAGE,
        answer=messaging.Notification,
    ),
    Route(
        method="GET",
        path="/v1/notifications/unread_count",
        handler=count_unread,
        who=Who.SIGNED_IN,
        summary="How many notifications you have not read",
        shape=Shape.ONE,
        answer=messaging.UnreadCount,
    ),
    Route(
        method="PATCH",
        path="/v1/notifications/{notification_id}",
        handler=mark_notification,
        who=Who.SIGNED_IN,
        summary="Mark a notification as read or unread",
        body=messaging.MarkNotificationBody,
        shape=Shape.ONE,
        answer=messaging.Notification,
        key=Key.OPTIONAL,
    ),
    Route(
        method="POST",
        path="/v1/notifications/read_all",
        handler=mark_all_read,
        who=Who.SIGNED_IN,
        summary="Mark all notifications as read, or those about one order",
        query=messaging.MarkAllReadQuery,
        shape=Shape.NOTHING,
        status=HTTPStatus.NO_CONTENT,
        key=Key.OPTIONAL,
    ),
    Route(
        method="GET",
        path="/v1/me/notification_preferences",
        handler=get_preferences,
        who=Who.SIGNED_IN,
        summary="What you want to be told, and where",
        shape=Shape.ONE,
        answer=messaging.Preferences,
    ),
    Route(
        method="PATCH",
        path="/v1/me/notification_preferences",
        handler=change_preferences,
        who=Who.SIGNED_IN,
        summary="Change what you want to be told, and where",
        body=messaging.PreferencesBody,
        shape=Shape.ONE,
        answer=messaging.Preferences,
        key=Key.OPTIONAL,
    ),
)
