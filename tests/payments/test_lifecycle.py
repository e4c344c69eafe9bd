"""The four tables of payments, every status and event, against what is expected written out again here."""

from enum import StrEnum
from typing import get_args

import pytest

from services.payments.contract import PaymentStatus, PayoutStatus, ReceivableStatus, RefundStatus
from services.payments.lifecycle import (
    PAYMENT_RULES,
    PAYOUT_RULES,
    RECEIVABLE_RULES,
    REFUND_RULES,
    NoTransition,
    PaymentEvent,
    ReceivableEvent,
    TransferEvent,
    next_payment_status,
    next_payout_status,
    next_receivable_status,
    next_refund_status,
    required,
)

# By hand, in the words that are stored: what happens, and from which status to which.
Expected = dict[str, dict[str | None, str]]
RECEIVABLE: Expected = {
    "fall_due": {None: "due"},
    "begin": {"due": "processing", "failed": "processing"},
    "captured": {"due": "paid", "failed": "paid", "processing": "paid"},
    "failed": {"processing": "failed"},
    "refunded_in_part": {"paid": "partly_refunded", "partly_refunded": "partly_refunded"},
    "refunded_in_full": {"paid": "refunded", "partly_refunded": "refunded"},
}
PAYMENT: Expected = {
    "begin": {None: "processing"},
    "pending": {},
    "requires_action": {"processing": "requires_action"},
    "captured": {"processing": "paid", "requires_action": "paid", "failed": "paid"},
    "declined": {"processing": "failed", "requires_action": "failed"},
    "cancelled": {"processing": "failed", "requires_action": "failed"},
    "refunded_in_part": {"paid": "partly_refunded", "partly_refunded": "partly_refunded"},
    "refunded_in_full": {"paid": "refunded", "partly_refunded": "refunded"},
}
REFUND: Expected = {
    "begin": {None: "processing"},
    "pending": {},
    "done": {"processing": "refunded"},
    "refused": {"processing": "failed"},
}
PAYOUT: Expected = {
    "begin": {None: "processing"},
    "pending": {},
    "done": {"processing": "paid"},
    "refused": {"processing": "failed", "paid": "failed"},
}
STORED = {
    ReceivableStatus: {"due", "processing", "paid", "failed", "refunded", "partly_refunded"},
    PaymentStatus: {"processing", "requires_action", "paid", "failed", "refunded", "partly_refunded"},
    RefundStatus: {"processing", "refunded", "failed"},
    PayoutStatus: {"processing", "paid", "failed"},
}


def statuses(kind: type[StrEnum]) -> list[str | None]:
    return [None, *sorted(STORED[kind])]


@pytest.mark.parametrize("event", get_args(ReceivableEvent))
@pytest.mark.parametrize("status", statuses(ReceivableStatus))
def test_a_receivable_changes_as_expected(status: str | None, event: ReceivableEvent) -> None:
    assert next_receivable_status(status, event) == RECEIVABLE[event].get(status)


@pytest.mark.parametrize("event", get_args(PaymentEvent))
@pytest.mark.parametrize("status", statuses(PaymentStatus))
def test_a_payment_changes_as_expected_whatever_its_order_owes(
    status: str | None, event: PaymentEvent
) -> None:
    for owed in sorted(STORED[ReceivableStatus]):
        another_counts = (status, event) == ("failed", "captured") and owed not in ("due", "failed")
        expected = None if another_counts else PAYMENT[event].get(status)
        assert next_payment_status(status, event, owed) == expected, owed


@pytest.mark.parametrize("event", get_args(TransferEvent))
@pytest.mark.parametrize("status", statuses(RefundStatus))
def test_a_refund_changes_as_expected(status: str | None, event: TransferEvent) -> None:
    assert next_refund_status(status, event) == REFUND[event].get(status)


@pytest.mark.parametrize("event", get_args(TransferEvent))
@pytest.mark.parametrize("status", statuses(PayoutStatus))
def test_a_payout_changes_as_expected(status: str | None, event: TransferEvent) -> None:
    assert next_payout_status(status, event) == PAYOUT[event].get(status)


@pytest.mark.parametrize("kind", STORED)
def test_every_status_that_is_stored_is_there_and_no_other(kind: type[StrEnum]) -> None:
    assert {status.value for status in kind} == STORED[kind]


def test_every_event_is_there_and_no_other() -> None:
    assert set(RECEIVABLE) == set(get_args(ReceivableEvent)) == {rule.event for rule in RECEIVABLE_RULES}
    assert set(PAYMENT) == set(get_args(PaymentEvent)) == {rule.event for rule in PAYMENT_RULES} | {"pending"}
    for expected, rules in ((REFUND, REFUND_RULES), (PAYOUT, PAYOUT_RULES)):
        assert set(expected) == set(get_args(TransferEvent)) == {rule.event for rule in rules} | {"pending"}


def test_at_most_one_row_applies() -> None:
    for rules in (RECEIVABLE_RULES, PAYMENT_RULES, REFUND_RULES, PAYOUT_RULES):
        leaving = [(rule.event, origin) for rule in rules for origin in rule.origins]
        assert len(leaving) == len(set(leaving))


def test_a_change_that_must_happen_and_cannot_is_an_error() -> None:
    with pytest.raises(NoTransition):
        required(next_receivable_status("refunded", "begin"))
    assert required(next_receivable_status("due", "begin")) is ReceivableStatus.PROCESSING
