"""Orders, their transitions and history, and the table of statuses."""

from http import HTTPStatus

from marshmallow import Schema, fields

from gateway.http.request import Incoming
from gateway.routing.route import IfMatch, Key, Route, Shape, Storing, Who
from gateway.upstream.rpc_client import Reply
from kit.validation import PageArguments
from services.orders import contract as orders


class OrderStatus(Schema):
    """One row of the table of statuses."""

    code = fields.Integer(required=True)
    name = fields.String(required=True)
    label = fields.String(required=True)
    meaning = fields.String(required=True)


async def submit_order(incoming: Incoming) -> Reply:
    """A new order."""
    return await incoming.call(orders.SUBMIT_ORDER, **incoming.body)


async def list_orders(incoming: Incoming) -> Reply:
    """The caller's orders in one role."""
    return await incoming.call(orders.LIST_ORDERS, **incoming.query)


async def get_order(incoming: Incoming) -> Reply:
    """One order, as the caller sees it."""
    return await incoming.call(orders.GET_ORDER, order_id=incoming.path["order_id"])


async def transition_order(incoming: Incoming) -> Reply:
    """A step of an order."""
    return await incoming.call(
        orders.TRANSITION_ORDER,
        order_id=incoming.path["order_id"],
        expected_version=incoming.expected_version,
        **incoming.body,
    )


async def list_transitions(incoming: Incoming) -> Reply:
    """An order's history."""
    return await incoming.call(orders.LIST_TRANSITIONS, order_id=incoming.path["order_id"], **incoming.query)


async def list_order_statuses(_: Incoming) -> Reply:
    """The statuses and what they mean; a constant of the contract."""
    return Reply({"data": orders.STATUSES})


ROUTES = (
    Route(
        method="POST",
        path="/v1/orders",
        handler=submit_order,
        who=Who.SIGNED_IN,
        summary="Order a service",
        body=orders.SubmitOrderBody,
        shape=Shape.ONE,
        answer=orders.Order,
        status=HTTPStatus.CREATED,
        key=Key.REQUIRED,
        location="/v1/orders/{id}",
    ),
    Route(
        method="GET",
        path="/v1/orders",
        handler=list_orders,
        who=Who.SIGNED_IN,
        summary="Your orders as customer or as provider",
        query=orders.ListOrdersQuery,
        shape=Shape.PAGE,
        answer=orders.Order,
    ),
    Route(
        method="GET",
        path="/v1/orders/{order_id}",
        handler=get_order,
        who=Who.SIGNED_IN,
        summary="One order",
        shape=Shape.ONE,
        answer=orders.Order,
    ),
    Route(
        method="POST",
        path="/v1/orders/{order_id}/transitions",
        handler=transition_order,
        who=Who.SIGNED_IN,
        summary="Take a step: approve, decline, confirm, ...",
        body=orders.TransitionOrderBody,
        shape=Shape.ONE,
        answer=orders.Order,
        key=Key.REQUIRED,
        if_match=IfMatch.HONOURED,
    ),
    Route(
        method="GET",
        path="/v1/orders/{order_id}/transitions",
        handler=list_transitions,
        who=Who.SIGNED_IN,
        summary="An order's history, oldest first",
        query=PageArguments,
        shape=Shape.PAGE,
        answer=orders.OrderTransition,
    ),
    Route(
        method="GET",
        path="/v1/order_statuses",
        handler=list_order_statuses,
        who=Who.ANYONE,
        summary="The statuses of an order and what they mean",
        shape=Shape.LIST,
        answer=OrderStatus,
        storing=Storing.FIXED,
    ),
)
