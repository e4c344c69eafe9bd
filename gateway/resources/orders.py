"""Orders, their transitions and history, and the table of statuses."""

from http import HTTPStatus

from marshmallow import Schema, fields

from gateway.http.request import RequestContext
from gateway.routing.policies import Access, CacheControl, IdempotencyKey, IfMatch, ResponseKind
from gateway.routing.route import Route
from gateway.upstream.rpc_client import Reply
from kit.validation import PageArguments
from services.orders import contract as orders


class OrderStatus(Schema):
    """A status of an order."""

    code = fields.Integer(required=True)
    name = fields.String(required=True)
    label = fields.String(required=True)
    meaning = fields.String(required=True)


async def submit_order(context: RequestContext) -> Reply:
    """Submits an order."""
    return await context.call(orders.SUBMIT_ORDER, **context.body)


async def list_orders(context: RequestContext) -> Reply:
    """Lists the caller's orders in one role."""
    return await context.call(orders.LIST_ORDERS, **context.query)


async def get_order(context: RequestContext) -> Reply:
    """Returns an order, as the caller may see it."""
    return await context.call(orders.GET_ORDER, order_id=context.path["order_id"])


async def transition_order(context: RequestContext) -> Reply:
    """Takes a step of an order."""
    return await context.call(
        orders.TRANSITION_ORDER,
        order_id=context.path["order_id"],
        expected_version=context.expected_version,
        **context.body,
    )


async def list_transitions(context: RequestContext) -> Reply:
    """Lists an order's transitions."""
    return await context.call(orders.LIST_TRANSITIONS, order_id=context.path["order_id"], **context.query)


async def list_order_statuses(_: RequestContext) -> Reply:
    """Lists the statuses and their meanings, a constant of the contract."""
    return Reply({"data": orders.STATUSES})


ROUTES = (
    Route(
        method="POST",
        path="/v1/orders",
        handler=submit_order,
        access=Access.SIGNED_IN,
        summary="Order a service",
        body=orders.SubmitOrderBody,
        response_kind=ResponseKind.RESOURCE,
        response_schema=orders.Order,
        status=HTTPStatus.CREATED,
        idempotency_key=IdempotencyKey.REQUIRED,
        location="/v1/orders/{id}",
    ),
    Route(
        method="GET",
        path="/v1/orders",
        handler=list_orders,
        access=Access.SIGNED_IN,
        summary="Your orders as customer or as provider",
        query=orders.ListOrdersQuery,
        response_kind=ResponseKind.PAGE,
        response_schema=orders.Order,
    ),
    Route(
        method="GET",
        path="/v1/orders/{order_id}",
        handler=get_order,
        access=Access.SIGNED_IN,
        summary="One order",
        response_kind=ResponseKind.RESOURCE,
        response_schema=orders.Order,
    ),
    Route(
        method="POST",
        path="/v1/orders/{order_id}/transitions",
        handler=transition_order,
        access=Access.SIGNED_IN,
        summary="Take a step: approve, decline, confirm, ...",
        body=orders.TransitionOrderBody,
        response_kind=ResponseKind.RESOURCE,
        response_schema=orders.Order,
        idempotency_key=IdempotencyKey.REQUIRED,
        if_match=IfMatch.HONOURED,
    ),
    Route(
        method="GET",
        path="/v1/orders/{order_id}/transitions",
        handler=list_transitions,
        access=Access.SIGNED_IN,
        summary="An order's history, oldest first",
        query=PageArguments,
        response_kind=ResponseKind.PAGE,
        response_schema=orders.OrderTransition,
    ),
    Route(
        method="GET",
        path="/v1/order_statuses",
        handler=list_order_statuses,
        access=Access.ANYONE,
        summary="The statuses of an order and what they mean",
        response_kind=ResponseKind.LIST,
        response_schema=OrderStatus,
        cache_control=CacheControl.STATIC,
    ),
)
