"""Payments of orders, refunds, and what a provider earns."""

from http import HTTPStatus

from gateway.http.problems import bad_header
from gateway.http.request import RequestContext
from gateway.routing.policies import Access, BodyFormat, IdempotencyKey, ResponseKind
from gateway.routing.route import Route
from gateway.upstream.rpc_client import Reply
from kit.errors import Unauthenticated
from services.payments import contract as payments

SIGNATURE = "Stripe-Signature"


async def pay_order(context: RequestContext) -> Reply:
    """Pays an order."""
    return await context.call(payments.PAY_ORDER, order_id=context.path["order_id"], **context.body)


async def list_payments(context: RequestContext) -> Reply:
    """Lists the payments of an order."""
    return await context.call(payments.LIST_PAYMENTS, order_id=context.path["order_id"], **context.query)


async def get_receivable(context: RequestContext) -> Reply:
    """Returns what is owed for an order."""
    return await context.call(payments.GET_RECEIVABLE, order_id=context.path["order_id"])


async def get_payment(context: RequestContext) -> Reply:
    """Returns one payment."""
    return await context.call(payments.GET_PAYMENT, payment_id=context.path["payment_id"])


async def refund_payment(context: RequestContext) -> Reply:
    """Refunds a payment, fully or partly."""
    return await context.call(payments.REFUND_PAYMENT, payment_id=context.path["payment_id"], **context.body)


async def get_balance(context: RequestContext) -> Reply:
    """Returns the caller's balance."""
    return await context.call(payments.GET_BALANCE)


async def list_transactions(context: RequestContext) -> Reply:
    """Lists the transactions of the caller's balance."""
    return await context.call(payments.LIST_TRANSACTIONS, **context.query)


async def request_payout(context: RequestContext) -> Reply:
    """Pays available money out to the caller."""
    return await context.call(payments.REQUEST_PAYOUT, **context.body)


async def list_payouts(context: RequestContext) -> Reply:
    """Lists the caller's payouts."""
    return await context.call(payments.LIST_PAYOUTS, **context.query)


async def take_stripe_webhook(context: RequestContext) -> Reply:
    """Receives a webhook of Stripe, which is authenticated by its signature instead of a token."""
    signature = context.request.headers.get(SIGNATURE)
    if signature is None:
        raise bad_header(SIGNATURE, "bad_signature", "The signature is missing.")
    try:
        return await context.call(
            payments.TAKE_STRIPE_WEBHOOK, payload=context.body["payload"], signature=signature
        )
    except Unauthenticated as error:
        raise bad_header(SIGNATURE, "bad_signature", error.detail) from error


ROUTES = (
    Route(
        method="POST",
        path="/v1/orders/{order_id}/payments",
        handler=pay_order,
        access=Access.SIGNED_IN,
        summary="Pay a completed order",
        body=payments.PayOrderBody,
        response_kind=ResponseKind.RESOURCE,
        response_schema=payments.Payment,
        status=HTTPStatus.CREATED,
        idempotency_key=IdempotencyKey.REQUIRED,
        location="/v1/payments/{id}",
    ),
    Route(
        method="GET",
        path="/v1/orders/{order_id}/payments",
        handler=list_payments,
        access=Access.SIGNED_IN,
        summary="The payments of an order, newest first",
        query=payments.ListPaymentsQuery,
        response_kind=ResponseKind.PAGE,
        response_schema=payments.Payment,
    ),
    Route(
        method="GET",
        path="/v1/orders/{order_id}/receivable",
        handler=get_receivable,
        access=Access.SIGNED_IN,
        summary="What a completed order owes, and what you can do about it",
        response_kind=ResponseKind.RESOURCE,
        response_schema=payments.Receivable,
    ),
    Route(
        method="GET",
        path="/v1/payments/{payment_id}",
        handler=get_payment,
        access=Access.SIGNED_IN,
        summary="One payment",
        response_kind=ResponseKind.RESOURCE,
        response_schema=payments.Payment,
    ),
    Route(
        method="POST",
        path="/v1/payments/{payment_id}/refunds",
        handler=refund_payment,
        access=Access.SIGNED_IN,
        summary="Give a payment back, wholly or in part",
        body=payments.RefundPaymentBody,
        response_kind=ResponseKind.RESOURCE,
        response_schema=payments.Refund,
        status=HTTPStatus.CREATED,
        idempotency_key=IdempotencyKey.REQUIRED,
        location="/v1/payments/{payment_id}",
    ),
    Route(
        method="GET",
        path="/v1/me/balance",
        handler=get_balance,
        access=Access.SIGNED_IN,
        summary="What you have earned: available and pending",
        response_kind=ResponseKind.RESOURCE,
        response_schema=payments.Balance,
    ),
    Route(
        method="GET",
        path="/v1/me/transactions",
        handler=list_transactions,
        access=Access.SIGNED_IN,
        summary="Everything that moved your money, newest first",
        query=payments.ListTransactionsQuery,
        response_kind=ResponseKind.PAGE,
        response_schema=payments.Transaction,
    ),
    Route(
        method="POST",
        path="/v1/me/payouts",
        handler=request_payout,
        access=Access.SIGNED_IN,
        summary="Have available money paid out",
        body=payments.RequestPayoutBody,
        response_kind=ResponseKind.RESOURCE,
        response_schema=payments.Payout,
        status=HTTPStatus.CREATED,
        idempotency_key=IdempotencyKey.REQUIRED,
        location="/v1/me/payouts",
    ),
    Route(
        method="GET",
        path="/v1/me/payouts",
        handler=list_payouts,
        access=Access.SIGNED_IN,
        summary="Your payouts, newest first",
        query=payments.ListPayoutsQuery,
        response_kind=ResponseKind.PAGE,
        response_schema=payments.Payout,
    ),
    Route(
        method="POST",
        path="/v1/webhooks/stripe",
        handler=take_stripe_webhook,
        access=Access.ANYONE,
        summary="Where Stripe posts its events, signed",
        body_format=BodyFormat.TEXT,
        response_kind=ResponseKind.EMPTY,
        status=HTTPStatus.NO_CONTENT,
        idempotency_key=IdempotencyKey.OPTIONAL,
        authenticates=False,
    ),
)
