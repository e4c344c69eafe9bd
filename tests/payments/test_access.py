"""Who can do what: every status and role, against what is expected written out again here."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import get_args

import pytest

from kit.errors import Conflict, Forbidden, NotFound
from kit.security.tokens import Caller
from services.payments import contract
from services.payments.access import (
    Role,
    action_expires_at,
    is_expired,
    left_to_refund_minor,
    payment_actions,
    receivable_actions,
    require_customer,
    require_refunder,
    role_in_order,
)
from services.payments.contract import PaymentAction, PaymentStatus, ReceivableStatus, RefundStatus
from tests.payments.testbed import PaymentsTestbed, checked
from tests.support.placed_orders import Json, euros
from tests.support.service_harness import person

CUSTOMER, PROVIDER, STAFF, STRANGER = person("Cleo"), person("Petra"), person("Sam", "staff"), person("Sid")
ORDER = {"customer_id": CUSTOMER.id, "provider_id": PROVIDER.id}
ROLES: tuple[Role | None, ...] = (*get_args(Role), None)
NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
UNPAID, REFUNDABLE = {"due", "failed"}, {"paid", "partly_refunded"}


def payment(status: str, action_url: str | None = None) -> Json:
    """A payment of 45 euros, begun an hour ago."""
    return {
        "status": status,
        "amount_minor": 4500,
        "action_url": action_url,
        "created_at": NOW - timedelta(hours=1),
    }


def refund(status: str, amount_minor: int = 500) -> Json:
    """One refund."""
    return {"status": status, "amount_minor": amount_minor}


def also_staff(caller: Caller) -> Caller:
    """The same person, on the staff."""
    return replace(caller, roles=caller.roles | {"staff"})


def test_a_party_is_that_party_even_on_the_staff() -> None:
    for caller, role in ((CUSTOMER, "customer"), (PROVIDER, "provider")):
        assert role_in_order(caller, ORDER) == role_in_order(also_staff(caller), ORDER) == role
    assert role_in_order(STAFF, ORDER) == "staff"
    assert role_in_order(STRANGER, ORDER) is None


@pytest.mark.parametrize(("role", "status"), list(product(ROLES, ReceivableStatus)))
def test_only_the_customer_can_pay_and_only_what_is_unpaid(role: Role | None, status: str) -> None:
    expected = ["pay"] if role == "customer" and status in UNPAID else []
    assert receivable_actions(role, status) == expected


@pytest.mark.parametrize(("role", "status"), list(product(ROLES, PaymentStatus)))
def test_what_can_be_done_about_a_payment_depends_on_role_and_status(
    role: Role | None, status: PaymentStatus
) -> None:
    for owed, address in product(ReceivableStatus, (None, "/v1/sandbox/actions/t")):
        expected = []
        if role == "customer" and status == "requires_action" and address:
            expected = ["confirm"]
        if role == "customer" and status == "failed" and owed in UNPAID:
            expected = ["retry"]
        if role in ("provider", "staff") and status in REFUNDABLE:
            expected = ["refund"]
        assert payment_actions(role, payment(status, address), owed, []) == expected, (owed, address)


@pytest.mark.parametrize("status", RefundStatus)
def test_a_payment_is_refunded_by_one_refund_at_a_time(status: RefundStatus) -> None:
    expected = [] if status == "processing" else [PaymentAction.REFUND]
    assert payment_actions("provider", payment("paid"), "paid", [refund(status)]) == expected


@pytest.mark.parametrize("status", PaymentStatus)
def test_what_was_refunded_or_is_being_refunded_cannot_be_refunded_again(status: PaymentStatus) -> None:
    refunds = [refund("refunded", 500), refund("processing", 1000), refund("failed", 2000)]
    expected = 3000 if status in REFUNDABLE else 0
    assert left_to_refund_minor(payment(status), "paid", refunds) == expected


@pytest.mark.parametrize("status", PaymentStatus)
def test_only_a_payment_that_requires_an_action_expires_at_a_shown_time(status: PaymentStatus) -> None:
    expected = NOW if status == "requires_action" else None
    assert action_expires_at(payment(status), timedelta(hours=1)) == expected


@pytest.mark.parametrize("status", PaymentStatus)
def test_an_unfinished_payment_expires_after_its_period(status: PaymentStatus) -> None:
    unfinished = status in ("processing", "requires_action")
    assert is_expired(payment(status), timedelta(minutes=59), NOW) == unfinished
    assert not is_expired(payment(status), timedelta(hours=1), NOW)


@pytest.mark.parametrize(
    ("require", "allowed"),
    [(require_customer, {CUSTOMER}), (require_refunder, {PROVIDER, STAFF})],
    ids=["paying", "refunding"],
)
def test_a_stranger_learns_nothing_and_a_party_without_the_right_is_refused(
    require: object, allowed: set[Caller]
) -> None:
    assert callable(require)
    for caller in (CUSTOMER, PROVIDER, STAFF, STRANGER):
        if caller in allowed:
            require(caller, ORDER)
            continue
        with pytest.raises(NotFound if caller is STRANGER else Forbidden):
            require(caller, ORDER)


# --- as callers see it --------------------------------------------------------------------------


def receivable(testbed: PaymentsTestbed, order_id: str, caller: Caller) -> Json:
    """What an order owes, as one caller sees it."""
    answer = testbed.payments.call_as(caller, contract.GET_RECEIVABLE, order_id=order_id)
    return checked(contract.Receivable, answer)


def test_the_customer_sees_that_an_order_can_be_paid_until_it_is(testbed: PaymentsTestbed) -> None:
    order = testbed.order()
    due = receivable(testbed, order.id, testbed.customer)
    assert (due["payment_status"], due["available_actions"]) == ("due", ["pay"])
    assert due["amount"] == euros(4500) and due["due_at"] == testbed.payment_events(order)[0]["due_at"]
    for caller in (testbed.provider, testbed.staff):
        assert receivable(testbed, order.id, caller) == {**due, "available_actions": []}
    payment = testbed.pay(order)
    assert payment["available_actions"] == []
    paid = receivable(testbed, order.id, testbed.customer)
    assert (paid["payment_status"], paid["available_actions"], paid["version"]) == ("paid", [], 3)


def test_an_order_whose_completion_has_not_arrived_here_is_asked_for(testbed: PaymentsTestbed) -> None:
    order = testbed.order(known=False)
    assert receivable(testbed, order.id, testbed.customer)["available_actions"] == ["pay"]
    assert testbed.changes(order) == [("due", "due")]


def test_an_order_before_its_completion_owes_nothing(testbed: PaymentsTestbed) -> None:
    order = testbed.order(known=False, status=3)
    with pytest.raises(Conflict) as refused:
        receivable(testbed, order.id, testbed.customer)
    assert (refused.value.code, refused.value.data) == ("payment_not_due", {"current_status": 3})


def test_a_stranger_does_not_learn_what_an_order_owes(testbed: PaymentsTestbed) -> None:
    for order_id in (testbed.order().id, "nothing"):
        with pytest.raises(NotFound):
            receivable(testbed, order_id, testbed.stranger)


def test_a_payment_that_requires_an_action_names_it_and_its_deadline_to_its_customer(
    testbed: PaymentsTestbed,
) -> None:
    order = testbed.order()
    payment = testbed.pay(order, "sandbox_action")
    assert payment["available_actions"] == ["confirm"]
    begun = datetime.fromisoformat(payment["created_at"])
    assert datetime.fromisoformat(payment["action_expires_at"]) == begun + testbed.settings.action_period
    assert testbed.get(payment, testbed.provider)["available_actions"] == []
    testbed.change("payments", payment["id"], "created_at = now() - interval '25 hours'")
    testbed.reconcile()
    assert testbed.get(payment)["available_actions"] == ["retry"]
    assert testbed.get(payment)["action_expires_at"] is None


def test_a_paid_payment_can_be_refunded_by_provider_and_staff_down_to_nothing(
    testbed: PaymentsTestbed,
) -> None:
    payment = testbed.paid()
    for amount, actions in ((1500, ["refund"]), (3000, [])):
        testbed.refund(payment, euros(amount))
        for caller in (testbed.provider, testbed.staff):
            assert testbed.get(payment, caller)["available_actions"] == actions
        assert testbed.get(payment)["available_actions"] == []
        assert testbed.get(payment)["refundable"] == euros(3000 if actions else 0)


def test_a_balance_says_what_can_be_paid_out(testbed: PaymentsTestbed) -> None:
    def payable() -> list[Json]:
        payable: list[Json] = testbed.payments.call_as(testbed.provider, contract.GET_BALANCE)["payable"]
        return payable

    assert payable() == []
    payment = testbed.paid()
    assert payable() == []
    testbed.release(payment)
    assert payable() == [euros(4050)]
    testbed.payments.execute(
        "INSERT INTO refunds (id, payment_id, amount_minor, fee_minor, reason, actor_id, actor_role, status,"
        " check_at) VALUES (gen_random_uuid(), CAST(:id AS uuid), 1000, 100, 'Late', gen_random_uuid(),"
        " 'staff', 'processing', now() + interval '1 day')",
        id=payment["id"],
    )
    assert payable() == [euros(3150)]
    testbed.payments.execute("DELETE FROM refunds WHERE payment_id = CAST(:id AS uuid)", id=payment["id"])
    testbed.pay_out(euros(4050))
    assert payable() == []
