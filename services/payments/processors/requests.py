"""Requests to the payment processor, made from committed rows. No transaction is open meanwhile."""

from collections.abc import Callable
from typing import TypeVar

import structlog
from sqlalchemy import Connection, select

from chassis.runtime.failpoints import reach
from kit.errors import Unavailable
from services.payments.access import Row, not_found
from services.payments.models import PAYMENTS, PAYOUTS, REFUNDS
from services.payments.payment_context import PaymentContext
from services.payments.processors.base import (
    Charge,
    ChargeRequest,
    OutcomeUnknown,
    PayoutRequest,
    RefundRequest,
    Transfer,
)

log = structlog.get_logger(__name__)
Outcome = TypeVar("Outcome")


def call_processor(request: Callable[[], Outcome], **subject: str) -> Outcome | None:
    """Returns the processor's answer; None when it gives none, so that reconciliation asks again."""
    try:
        return request()
    except (OutcomeUnknown, Unavailable) as error:
        log.warning("processor_outcome_unknown", error=str(error), **subject)
        return None


def request_charge(context: PaymentContext, payment: Row) -> Charge | None:
    """Requests the charge of a payment that was begun, given with the number and title of its order."""
    reach("payment.before_charge")
    request = charge_request_of(payment)
    charge = call_processor(lambda: context.processor.charge(request), payment_id=payment["id"])
    reach("payment.charged")
    return charge


def request_refund(context: PaymentContext, refund_id: str, repeated: bool) -> Transfer | None:
    """Requests a refund that was begun. Raises: NotFound."""
    request = context.db.read(lambda connection: _refund_request(connection, refund_id))
    reach("refund.before_request")
    transfer = call_processor(lambda: context.processor.refund(request, repeated), refund_id=refund_id)
    reach("refund.requested")
    return transfer


def request_payout(context: PaymentContext, payout_id: str, repeated: bool) -> Transfer | None:
    """Requests a payout that was begun. Raises: NotFound."""
    request = context.db.read(lambda connection: _payout_request(connection, payout_id))
    reach("payout.before_request")
    transfer = call_processor(lambda: context.processor.pay_out(request, repeated), payout_id=payout_id)
    reach("payout.requested")
    return transfer


def charge_request_of(payment: Row) -> ChargeRequest:
    """The request for a payment, given with the number and title of its order."""
    return ChargeRequest(
        payment_id=payment["id"],
        order_id=payment["order_id"],
        description=f"{payment['number']}: {payment['service_title']}",
        amount_minor=payment["amount_minor"],
        currency=payment["currency"],
        method=payment["method"],
        requested_at=payment["created_at"],
    )


def _refund_request(connection: Connection, refund_id: str) -> RefundRequest:
    joined = REFUNDS.join(PAYMENTS, PAYMENTS.c.id == REFUNDS.c.payment_id)
    columns = select(*REFUNDS.c, PAYMENTS.c.currency, PAYMENTS.c.reference.label("charge_reference"))
    found = columns.select_from(joined).where(REFUNDS.c.id == refund_id)
    refund = connection.execute(found).mappings().first()
    if refund is None:
        raise not_found()
    return RefundRequest(
        refund_id=refund_id,
        payment_id=refund["payment_id"],
        charge_reference=refund["charge_reference"],
        amount_minor=refund["amount_minor"],
        currency=refund["currency"],
    )


def _payout_request(connection: Connection, payout_id: str) -> PayoutRequest:
    found = select(PAYOUTS).where(PAYOUTS.c.id == payout_id)
    payout = connection.execute(found).mappings().first()
    if payout is None:
        raise not_found()
    return PayoutRequest(
        payout_id=payout_id,
        provider_id=payout["provider_id"],
        amount_minor=payout["amount_minor"],
        currency=payout["currency"],
        requested_at=payout["created_at"],
    )
