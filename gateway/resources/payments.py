"""Payments of orders, refunds, and what a provider earns."""

from http import HTTPStatus

from gateway.http.problems import bad_header
from gateway.http.request import Incoming
from gateway.routing.route import Key, Reads, Route, Shape, Who
from gateway.upstream.rpc_client import Reply
from kit.errors import Unauthenticated
from services.payments import contract as payments

SIGNATURE = "Stripe-Signature"


async def pay_order(incoming: Incoming) -> Reply:
    """The customer pays."""
    return await incoming.call(payments.PAY_ORDER, order_id=incoming.path["order_id"], **incoming.body)


async def list_payments(incoming: Incoming) -> Reply:
    """The payments of an order."""
    return await incoming.call(payments.LIST_PAYMENTS, order_id=incoming.path["order_id"], **incoming.query)


async def get_payment(incoming: Incoming) -> Reply:
    """One payment."""
    return await incoming.call(payments.GET_PAYMENT, payment_id=incoming.path["payment_id"])


async def refund_payment(incoming: Incoming) -> Reply:
    """Gives money back."""
    return await incoming.call(
        payments.REFUND_PAYMENT, payment_id=incoming.path["payment_id"], **incoming.body
    )


async def get_balance(incoming: Incoming) -> Reply:
    """What the caller has earned."""
    return await incoming.call(payments.GET_BALANCE)


async def list_transactions(incoming: Incoming) -> Reply:
    """Everything that moved the caller's money."""
    return await incoming.call(payments.LIST_TRANSACTIONS, **incoming.query)


async def request_payout(incoming: Incoming) -> Reply:
    """Sends available money to the caller."""
    return await incoming.call(payments.REQUEST_PAYOUT, **incoming.body)


async def list_payouts(incoming: Incoming) -> Reply:
    """The caller's payouts."""
    return await incoming.call(payments.LIST_PAYOUTS, **incoming.query)


async def take_stripe_webhook(incoming: Incoming) -> Reply:
    """What Stripe has to say; it proves by a signature, not by a token, that it is Stripe."""
    signature = incoming.request.headers.get(SIGNATURE)
    if signature is None:
        raise bad_header(SIGNATURE, "bad_signature", "The signature is missing.")
    try:
        return await incoming.call(
            payments.TAKE_STRIPE_WEBHOOK, payload=incoming.body["payload"], signature=signature
        )
    except Unauthenticated as error:
        raise bad_header(SIGNATURE, "bad_signature", error.detail) from error


ROUTES = (
    Route(
        method="POST",
        path="/v1/orders/{order_id}/payments",
        handler=pay_order,
        who=Who.SIGNED_IN,
        summary="Pay a completed order",
        body=payments.PayOrderBody,
        shape=Shape.ONE,
        answer=payments.Payment,
        status=HTTPStatus.CREATED,
        key=Key.REQUIRED,
        location="/v1/payments/{id}",
    ),
    Route(
        method="GET",
        path="/v1/orders/{order_id}/payments",
        handler=list_payments,
        who=Who.SIGNED_IN,
        summary="The payments of an order, newest first",
        query=payments.ListPaymentsQuery,
        shape=Shape.PAGE,
        answer=payments.Payment,
    ),
    Route(
        method="GET",
        path="/v1/payments/{payment_id}",
        handler=get_payment,
        who=Who.SIGNED_IN,
        summary="One payment",
        shape=Shape.ONE,
        answer=payments.Payment,
    ),
    Route(
        method="POST",
        path="/v1/payments/{payment_id}/refunds",
        handler=refund_payment,
        who=Who.SIGNED_IN,
        summary="Give a payment back, wholly or in part",
        body=payments.RefundPaymentBody,
        shape=Shape.ONE,
        answer=payments.Refund,
        status=HTTPStatus.CREATED,
        key=Key.REQUIRED,
        location="/v1/payments/{payment_id}",
    ),
    Route(
        method="GET",
        path="/v1/me/balance",
        handler=get_balance,
        who=Who.SIGNED_IN,
        summary="What you have earned: available and pending",
        shape=Shape.ONE,
        answer=payments.Balance,
    ),
    Route(
        method="GET",
        path="/v1/me/transactions",
        handler=list_transactions,
        who=Who.SIGNED_IN,
        summary="Everything that moved your money, newest first",
        query=payments.ListTransactionsQuery,
        shape=Shape.PAGE,
        answer=payments.Transaction,
    ),
    Route(
        method="POST",
        path="/v1/me/payouts",
        handler=request_payout,
        who=Who.SIGNED_IN,
        summary="Have available money paid out",
        body=payments.RequestPayoutBody,
        shape=Shape.ONE,
        answer=payments.Payout,
        status=HTTPStatus.CREATED,
        key=Key.REQUIRED,
        location="/v1/me/payouts",
    ),
    Route(
        method="GET",
        path="/v1/me/payouts",
        handler=list_payouts,
        who=Who.SIGNED_IN,
        summary="Your payouts, newest first",
        query=payments.ListPayoutsQuery,
        shape=Shape.PAGE,
        answer=payments.Payout,
    ),
    Route(
        method="POST",
        path="/v1/webhooks/stripe",
        handler=take_stripe_webhook,
        who=Who.ANYONE,
        summary="Where Stripe posts its events, signed",
        reads=Reads.TEXT,
        shape=Shape.NOTHING,
        status=HTTPStatus.NO_CONTENT,
        key=Key.OPTIONAL,
        looks_at_token=False,
    ),
)
