"""Concurrent requests: one capture, one refund, never more paid out than was available."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import Any

import pytest

from kit.errors import Conflict, Invalid, ServiceError
from tests.payments.testbed import PaymentsTestbed
from tests.support.placed_orders import Json, euros

REQUESTS = 4
few_and_many = pytest.mark.parametrize("rounds", [10, pytest.param(200, marks=pytest.mark.faults)])


def together(*calls: Callable[[], Any]) -> list[Any]:
    """What each of several calls returns or raises, all started at the same time."""
    start = Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        start.wait()
        try:
            return call()
        except ServiceError as error:
            return error

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def won(outcomes: list[Any]) -> list[Json]:
    """The answers; every refused call has a known error code."""
    known = {"payment_in_progress", "already_paid", "idempotency_in_progress", "insufficient_balance"}
    known |= {"refund_in_progress", "payment_not_refundable", "idempotency_key_reused", "busy"}
    for outcome in outcomes:
        if isinstance(outcome, ServiceError):
            assert isinstance(outcome, Conflict | Invalid) and outcome.code in known, outcome
    return [outcome for outcome in outcomes if not isinstance(outcome, ServiceError)]


@few_and_many
def test_of_many_who_pay_an_order_at_once_one_does(testbed: PaymentsTestbed, rounds: int) -> None:
    for _ in range(rounds):
        order = testbed.order()
        outcomes = together(*[partial(testbed.pay, order) for _ in range(REQUESTS)])
        assert len(won(outcomes)) == 1
        assert testbed.captured(order) == 1
        assert testbed.entries(order)["customer_funds"] == [-4500]


@few_and_many
def test_a_request_sent_many_times_at_once_is_one_payment_with_one_answer(
    testbed: PaymentsTestbed, rounds: int
) -> None:
    for number in range(rounds):
        order, key = testbed.order(), f"same-{number}"
        answers = won(together(*[partial(testbed.pay, order, key=key) for _ in range(REQUESTS)]))
        assert len(answers) == REQUESTS
        assert all(answer == answers[0] for answer in answers)
        assert testbed.captured(order) == 1


@few_and_many
def test_reconciliation_and_call_backs_do_not_capture_twice(testbed: PaymentsTestbed, rounds: int) -> None:
    for _ in range(rounds):
        order = testbed.order()
        payment = testbed.pay(order, "sandbox_late")
        together(
            lambda: testbed.payments.tick("deliver_sandbox_callbacks"),
            lambda: testbed.payments.tick("deliver_sandbox_callbacks"),
            testbed.reconcile,
            testbed.reconcile,
        )
        testbed.reconcile()
        assert testbed.get(payment)["status"] == "paid"
        assert testbed.entries(order)["customer_funds"] == [-4500]
        assert testbed.changes(order).count(("paid", "paid")) == 1


@few_and_many
def test_no_more_is_paid_out_than_is_available_however_many_ask(
    testbed: PaymentsTestbed, rounds: int
) -> None:
    for _ in range(rounds):
        payment = testbed.paid(euros(1000))
        testbed.make_releasable(payment)
        testbed.payments.tick("release_shares")
        outcomes = together(*[lambda: testbed.pay_out(euros(600)) for _ in range(REQUESTS)])
        assert len(won(outcomes)) == 1
        rest = testbed.balance()[0]["EUR"]
        assert rest >= 0
        testbed.pay_out(euros(rest))
    assert testbed.balance() == ({"EUR": 0}, {"EUR": 0})


@few_and_many
def test_of_many_whole_refunds_at_once_one_happens(testbed: PaymentsTestbed, rounds: int) -> None:
    for _ in range(rounds):
        order = testbed.order()
        payment = testbed.pay(order)
        outcomes = together(*[partial(testbed.refund, payment) for _ in range(REQUESTS)])
        assert len(won(outcomes)) == 1
        assert sum(testbed.entries(order)["customer_funds"]) == 0


@few_and_many
def test_a_refund_and_a_release_at_once_leave_the_right_sum(testbed: PaymentsTestbed, rounds: int) -> None:
    for _ in range(rounds):
        payment = testbed.paid(euros(1000))
        before = sum(testbed.balance()[0].values())
        testbed.make_releasable(payment)
        refund = partial(testbed.refund, payment, euros(500))
        together(refund, lambda: testbed.payments.tick("release_shares"))
        testbed.payments.tick("release_shares")
        available, pending = testbed.balance()
        assert (available["EUR"] - before, pending["EUR"]) == (450, 0)


@few_and_many
def test_a_whole_refund_and_a_whole_payout_at_once_never_give_the_money_twice(
    testbed: PaymentsTestbed, rounds: int
) -> None:
    for _ in range(rounds):
        payment = testbed.paid(euros(1000))
        testbed.release(payment)
        refunds = [partial(testbed.refund, payment)] * 2
        payouts = [partial(testbed.pay_out, euros(900))] * 2
        assert len(won(together(*refunds, *payouts))) == 1
        assert testbed.balance() == ({"EUR": 0}, {"EUR": 0})
