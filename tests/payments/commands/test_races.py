"""Concurrent requests: one capture, one refund, never more paid out than was available."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import Any

import pytest

from kit.errors import Conflict, Invalid, ServiceError
from tests.payments.testbed import World
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
def test_of_many_who_pay_an_order_at_once_one_does(world: World, rounds: int) -> None:
    for _ in range(rounds):
        order = world.order()
        outcomes = together(*[partial(world.pay, order) for _ in range(REQUESTS)])
        assert len(won(outcomes)) == 1
        assert world.captured(order) == 1
        assert world.entries(order)["customer_funds"] == [-4500]


@few_and_many
def test_a_request_sent_many_times_at_once_is_one_payment_with_one_answer(world: World, rounds: int) -> None:
    for number in range(rounds):
        order, key = world.order(), f"same-{number}"
        answers = won(together(*[partial(world.pay, order, key=key) for _ in range(REQUESTS)]))
        assert len(answers) == REQUESTS
        assert all(answer == answers[0] for answer in answers)
        assert world.captured(order) == 1


@few_and_many
def test_reconciliation_and_call_backs_do_not_capture_twice(world: World, rounds: int) -> None:
    for _ in range(rounds):
        order = world.order()
        payment = world.pay(order, "sandbox_late")
        together(
            lambda: world.payments.tick("deliver_sandbox_callbacks"),
            lambda: world.payments.tick("deliver_sandbox_callbacks"),
            world.reconcile,
            world.reconcile,
        )
        world.reconcile()
        assert world.get(payment)["status"] == "paid"
        assert world.entries(order)["customer_funds"] == [-4500]
        assert world.changes(order).count(("paid", "paid")) == 1


@few_and_many
def test_no_more_is_paid_out_than_is_available_however_many_ask(world: World, rounds: int) -> None:
    for _ in range(rounds):
        payment = world.paid(euros(1000))
        world.make_releasable(payment)
        world.payments.tick("release_shares")
        outcomes = together(*[lambda: world.pay_out(euros(600)) for _ in range(REQUESTS)])
        assert len(won(outcomes)) == 1
        rest = world.balance()[0]["EUR"]
        assert rest >= 0
        world.pay_out(euros(rest))
    assert world.balance() == ({"EUR": 0}, {"EUR": 0})


@few_and_many
def test_of_many_whole_refunds_at_once_one_happens(world: World, rounds: int) -> None:
    for _ in range(rounds):
        order = world.order()
        payment = world.pay(order)
        outcomes = together(*[partial(world.refund, payment) for _ in range(REQUESTS)])
        assert len(won(outcomes)) == 1
        assert sum(world.entries(order)["customer_funds"]) == 0


@few_and_many
def test_a_refund_and_a_release_at_once_leave_the_right_sum(world: World, rounds: int) -> None:
    for _ in range(rounds):
        payment = world.paid(euros(1000))
        before = sum(world.balance()[0].values())
        world.make_releasable(payment)
        refund = partial(world.refund, payment, euros(500))
        together(refund, lambda: world.payments.tick("release_shares"))
        world.payments.tick("release_shares")
        available, pending = world.balance()
        assert (available["EUR"] - before, pending["EUR"]) == (450, 0)


@few_and_many
def test_a_whole_refund_and_a_whole_payout_at_once_never_give_the_money_twice(
    world: World, rounds: int
) -> None:
    for _ in range(rounds):
        payment = world.paid(euros(1000))
        world.release(payment)
        refunds = [partial(world.refund, payment)] * 2
        payouts = [partial(world.pay_out, euros(900))] * 2
        assert len(won(together(*refunds, *payouts))) == 1
        assert world.balance() == ({"EUR": 0}, {"EUR": 0})
