"""Which status follows which. Pure: no database, broker or clock.

Four tables: what is owed for an order (the receivable), each payment of it, and each refund and payout.
A status changes only by a row of its table. An event without a row changes nothing, so a processor may
report late, twice or out of order.

Two rules of the tables need an explanation:
- A payment that failed may still be captured, as processors sometimes confirm late. It then counts as
  paid, unless another payment of the order is in progress or paid: that capture is refunded by hand.
- A bank may return a payout that had arrived: a paid payout can fail. A failed one stays failed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from services.payments.contract import PaymentStatus, PayoutStatus, ReceivableStatus, RefundStatus

RefundExtent = Literal["refunded_in_part", "refunded_in_full"]
ReceivableEvent = Literal["fall_due", "begin", "captured", "failed", "refunded_in_part", "refunded_in_full"]
PaymentEvent = Literal[
    "begin", "pending", "requires_action", "captured", "declined", "cancelled",
    "refunded_in_part", "refunded_in_full",
]  # fmt: skip
TransferEvent = Literal["begin", "pending", "done", "refused"]
"""The events of refunds and payouts. After `begin`, events are the states that the processor reports."""

UNPAID = (ReceivableStatus.DUE, ReceivableStatus.FAILED)
"""Receivables that can be paid, and of which customers are reminded."""
OPEN = (PaymentStatus.PROCESSING, PaymentStatus.REQUIRES_ACTION)
"""Payments that the processor has not decided yet."""
REFUNDABLE = (PaymentStatus.PAID, PaymentStatus.PARTLY_REFUNDED)
"""Payments of which something is left to refund."""
NEW = (None,)
"""The origin of a row that does not exist yet."""

Status = TypeVar("Status", ReceivableStatus, PaymentStatus, RefundStatus, PayoutStatus)


class NoTransition(Exception):
    """An event that must change a status has no row for it: a programming error, never recorded."""


def _always(receivable: ReceivableStatus) -> bool:
    return True


def _is_unpaid(receivable: ReceivableStatus) -> bool:
    return receivable in UNPAID


@dataclass(frozen=True)
class Rule(Generic[Status]):
    """One row: `event` takes one of `origins` to `target`."""

    event: str
    origins: tuple[Status | None, ...]
    target: Status


@dataclass(frozen=True)
class PaymentRule(Rule[PaymentStatus]):
    """One row for a payment; `condition` is about the receivable of its order."""

    condition: Callable[[ReceivableStatus], bool] = _always


# fmt: off
RECEIVABLE_RULES: tuple[Rule[ReceivableStatus], ...] = (
    #    event               from                                      to
    Rule("fall_due",         NEW,                                      ReceivableStatus.DUE),
    Rule("begin",            UNPAID,                                   ReceivableStatus.PROCESSING),
    Rule("captured",         (*UNPAID, ReceivableStatus.PROCESSING),   ReceivableStatus.PAID),
    Rule("failed",           (ReceivableStatus.PROCESSING,),           ReceivableStatus.FAILED),
    Rule("refunded_in_part", (ReceivableStatus.PAID, ReceivableStatus.PARTLY_REFUNDED),
                                                                       ReceivableStatus.PARTLY_REFUNDED),
    Rule("refunded_in_full", (ReceivableStatus.PAID, ReceivableStatus.PARTLY_REFUNDED),
                                                                       ReceivableStatus.REFUNDED),
)

PAYMENT_RULES: tuple[PaymentRule, ...] = (
    #           event               from                         to                             further
    PaymentRule("begin",            NEW,                         PaymentStatus.PROCESSING),
    PaymentRule("requires_action",  (PaymentStatus.PROCESSING,), PaymentStatus.REQUIRES_ACTION),
    PaymentRule("captured",         OPEN,                        PaymentStatus.PAID),
    PaymentRule("captured",         (PaymentStatus.FAILED,),     PaymentStatus.PAID,            _is_unpaid),
    PaymentRule("declined",         OPEN,                        PaymentStatus.FAILED),
    PaymentRule("cancelled",        OPEN,                        PaymentStatus.FAILED),
    PaymentRule("refunded_in_part", REFUNDABLE,                  PaymentStatus.PARTLY_REFUNDED),
    PaymentRule("refunded_in_full", REFUNDABLE,                  PaymentStatus.REFUNDED),
)

REFUND_RULES: tuple[Rule[RefundStatus], ...] = (
    #    event      from                                    to
    Rule("begin",   NEW,                                    RefundStatus.PROCESSING),
    Rule("done",    (RefundStatus.PROCESSING,),             RefundStatus.REFUNDED),
    Rule("refused", (RefundStatus.PROCESSING,),             RefundStatus.FAILED),
)

PAYOUT_RULES: tuple[Rule[PayoutStatus], ...] = (
    #    event      from                                        to
    Rule("begin",   NEW,                                        PayoutStatus.PROCESSING),
    Rule("done",    (PayoutStatus.PROCESSING,),                 PayoutStatus.PAID),
    Rule("refused", (PayoutStatus.PROCESSING, PayoutStatus.PAID), PayoutStatus.FAILED),
)
# fmt: on


def next_receivable_status(status: str | None, event: ReceivableEvent) -> ReceivableStatus | None:
    """The receivable's status after an event; None when nothing changes."""
    return _next(RECEIVABLE_RULES, status, event)


def next_payment_status(status: str | None, event: PaymentEvent, receivable: str) -> PaymentStatus | None:
    """The payment's status after an event, by its order's receivable; None when nothing changes."""
    owed = ReceivableStatus(receivable)
    return _next([rule for rule in PAYMENT_RULES if rule.condition(owed)], status, event)


def next_refund_status(status: str | None, event: TransferEvent) -> RefundStatus | None:
    """The refund's status after an event; None when nothing changes."""
    return _next(REFUND_RULES, status, event)


def next_payout_status(status: str | None, event: TransferEvent) -> PayoutStatus | None:
    """The payout's status after an event; None when nothing changes."""
    return _next(PAYOUT_RULES, status, event)


def required(status: Status | None) -> Status:
    """The next status where there must be one. Raises: NoTransition."""
    if status is None:
        raise NoTransition
    return status


def _next(rules: Sequence[Rule[Status]], status: str | None, event: str) -> Status | None:
    return next((rule.target for rule in rules if rule.event == event and status in rule.origins), None)
