"""SIGKILL at each step of a payment: it is reconciled, charged once and recorded once."""

import os
import signal
import subprocess
import sys
from typing import Any

import pytest

from kit.security.tokens import Caller
from services.payments import contract
from tests.payments.commands.crashing_process import task
from tests.payments.testbed import PaymentsTestbed
from tests.support.codebase import ROOT
from tests.support.placed_orders import Json, euros

MANY = pytest.mark.faults
STEPS = ["payment.before_charge", "payment.charged", "payment.recorded"]
REFUND_STEPS = ["refund.before_request", "refund.requested"]
PAYOUT_STEPS = ["payout.before_request", "payout.requested"]


def crash_at(
    step: str, testbed: PaymentsTestbed, caller: Caller, key: str, rpc: str, **arguments: Any
) -> None:
    """Runs a task in a process that SIGKILL ends at a step."""
    argument = task(testbed.payments.settings.database_url, caller, key, rpc, arguments)
    ended = subprocess.run(
        [sys.executable, "-m", "tests.payments.commands.crashing_process", argument],
        env={**os.environ, "FAIL_POINT": step},
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("method", ["sandbox_ok", pytest.param("sandbox_timeout", marks=MANY)])
def test_a_payment_whose_process_is_killed_is_charged_and_recorded_once(
    testbed: PaymentsTestbed, step: str, method: str
) -> None:
    order = testbed.order()
    crash_at(step, testbed, order.customer, "k", "pay_order", order_id=order.id, method=method)
    testbed.reconcile()
    testbed.reconcile()
    assert testbed.captured(order) == 1
    assert testbed.entries(order)["customer_funds"] == [-4500]
    assert testbed.changes(order) == [("due", "due"), ("processing", "processing"), ("paid", "paid")]
    again = testbed.pay(order, method, key="k")
    assert again["status"] in ("paid", "processing")
    assert testbed.get(again)["status"] == "paid"
    assert testbed.captured(order) == 1


@MANY
@pytest.mark.parametrize("step", STEPS[:2])
def test_a_repeat_before_the_reconciliation_is_not_charged_twice(testbed: PaymentsTestbed, step: str) -> None:
    order = testbed.order()
    crash_at(step, testbed, order.customer, "k", "pay_order", order_id=order.id, method="sandbox_ok")
    testbed.payments.execute(
        "UPDATE payments SET check_at = now() WHERE order_id = CAST(:id AS uuid)", id=order.id
    )
    answer = testbed.pay(order, key="k")
    assert answer["status"] == "processing"
    testbed.reconcile()
    assert testbed.get(answer)["status"] == "paid"
    assert testbed.captured(order) == 1


@MANY
@pytest.mark.parametrize("step", STEPS)
def test_a_decline_whose_process_is_killed_leaves_the_order_to_be_paid(
    testbed: PaymentsTestbed, step: str
) -> None:
    order = testbed.order()
    crash_at(step, testbed, order.customer, "k", "pay_order", order_id=order.id, method="sandbox_declined")
    testbed.reconcile()
    assert testbed.changes(order)[-1] == ("failed", "failed")
    assert testbed.pay(order)["status"] == "paid"


@MANY
@pytest.mark.parametrize("step", REFUND_STEPS)
def test_a_refund_whose_process_is_killed_is_given_back_once(testbed: PaymentsTestbed, step: str) -> None:
    order = testbed.order()
    payment = testbed.pay(order)
    request: Json = {"payment_id": payment["id"], "amount": euros(100), "reason": "As agreed."}
    crash_at(step, testbed, testbed.provider, "k", "refund_payment", **request)
    testbed.reconcile()
    testbed.reconcile()
    assert testbed.get(payment)["refunded"] == euros(100)
    assert testbed.refund(payment, euros(100), key="k")["status"] == "refunded"
    assert testbed.get(payment)["refunded"] == euros(100)


@MANY
@pytest.mark.parametrize("step", PAYOUT_STEPS)
def test_a_payout_whose_process_is_killed_is_made_once(testbed: PaymentsTestbed, step: str) -> None:
    testbed.release(testbed.paid())
    crash_at(step, testbed, testbed.provider, "k", "request_payout", amount=euros(1000))
    assert testbed.balance() == ({"EUR": 3050}, {"EUR": 0})
    testbed.reconcile()
    assert testbed.pay_out(euros(1000), key="k")["status"] == "paid"
    assert testbed.balance() == ({"EUR": 3050}, {"EUR": 0})
    page = testbed.payments.call_as(testbed.provider, contract.LIST_PAYOUTS)
    assert [one["status"] for one in page["data"]] == ["paid"]
