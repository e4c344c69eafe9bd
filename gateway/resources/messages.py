"""Messages on orders, and the inbox."""

from http import HTTPStatus

from gateway.http.request import Incoming
from gateway.routing.route import Key, Route, Shape, Who
from gateway.upstream.rpc_client import Reply
from services.messaging import contract as messaging


async def list_messages(incoming: Incoming) -> Reply:
    """An order's messages."""
    return await incoming.call(messaging.LIST_MESSAGES, order_id=incoming.path["order_id"], **incoming.query)


async def post_message(incoming: Incoming) -> Reply:
    """A message to the other party."""
    return await incoming.call(messaging.POST_MESSAGE, order_id=incoming.path["order_id"], **incoming.body)


async def mark_messages_read(incoming: Incoming) -> Reply:
    """Everything up to a message was read."""
    return await incoming.call(
        messaging.MARK_MESSAGES_READ, order_id=incoming.path["order_id"], **incoming.body
    )


async def list_threads(incoming: Incoming) -> Reply:
    """The inbox."""
    return await incoming.call(messaging.LIST_THREADS, **incoming.query)


ROUTES = (
    Route(
        method="GET",
        path="/v1/orders/{order_id}/messages",
        handler=list_messages,
        who=Who.SIGNED_IN,
        summary="An order's messages, newest first",
        query=messaging.MessagesQuery,
        shape=Shape.PAGE,
        answer=messaging.Message,
    ),
    Route(
        method="POST",
        path="/v1/orders/{order_id}/messages",
        handler=post_message,
        who=Who.SIGNED_IN,
        summary="Write to the other party",
        body=messaging.MessageBody,
        shape=Shape.ONE,
        answer=messaging.Message,
        status=HTTPStatus.CREATED,
        key=Key.OPTIONAL,
    ),
    Route(
        method="PUT",
        path="/v1/orders/{order_id}/messages/read",
        handler=mark_messages_read,
        who=Who.SIGNED_IN,
        summary="Mark messages up to one as read",
        body=messaging.MarkMessagesReadBody,
        shape=Shape.NOTHING,
        status=HTTPStatus.NO_CONTENT,
        key=Key.OPTIONAL,
    ),
    Route(
        method="GET",
        path="/v1/threads",
        handler=list_threads,
        who=Who.SIGNED_IN,
        summary="Inbox: last message and unread count per order",
        query=messaging.ThreadsQuery,
        shape=Shape.PAGE,
        answer=messaging.Thread,
    ),
)
