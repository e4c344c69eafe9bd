"""Messages on orders, and the inbox."""

from http import HTTPStatus

from gateway.http.request import RequestContext
from gateway.routing.policies import Access, IdempotencyKey, ResponseKind
from gateway.routing.route import Route
from gateway.upstream.rpc_client import Reply
from services.messaging import contract as messaging


async def list_messages(context: RequestContext) -> Reply:
    """Lists an order's messages."""
    return await context.call(messaging.LIST_MESSAGES, order_id=context.path["order_id"], **context.query)


async def post_message(context: RequestContext) -> Reply:
    """Posts a message to the other party."""
    return await context.call(messaging.POST_MESSAGE, order_id=context.path["order_id"], **context.body)


async def mark_messages_read(context: RequestContext) -> Reply:
    """Marks all messages up to one as read."""
    return await context.call(messaging.MARK_MESSAGES_READ, order_id=context.path["order_id"], **context.body)


async def list_threads(context: RequestContext) -> Reply:
    """Lists the threads of the inbox."""
    return await context.call(messaging.LIST_THREADS, **context.query)


ROUTES = (
    Route(
        method="GET",
        path="/v1/orders/{order_id}/messages",
        handler=list_messages,
        access=Access.SIGNED_IN,
        summary="An order's messages, newest first",
        query=messaging.MessagesQuery,
        response_kind=ResponseKind.PAGE,
        response_schema=messaging.Message,
    ),
    Route(
        method="POST",
        path="/v1/orders/{order_id}/messages",
        handler=post_message,
        access=Access.SIGNED_IN,
        summary="Write to the other party",
        body=messaging.MessageBody,
        response_kind=ResponseKind.RESOURCE,
        response_schema=messaging.Message,
        status=HTTPStatus.CREATED,
        idempotency_key=IdempotencyKey.OPTIONAL,
    ),
    Route(
        method="PUT",
        path="/v1/orders/{order_id}/messages/read",
        handler=mark_messages_read,
        access=Access.SIGNED_IN,
        summary="Mark messages up to one as read",
        body=messaging.MarkMessagesReadBody,
        response_kind=ResponseKind.EMPTY,
        status=HTTPStatus.NO_CONTENT,
        idempotency_key=IdempotencyKey.OPTIONAL,
    ),
    Route(
        method="GET",
        path="/v1/threads",
        handler=list_threads,
        access=Access.SIGNED_IN,
        summary="Inbox: last message and unread count per order",
        query=messaging.ThreadsQuery,
        response_kind=ResponseKind.PAGE,
        response_schema=messaging.Thread,
    ),
)
