"""Paying an order: who may, when, and what it leaves behind."""

import pytest
from structlog.testing import capture_logs

from kit.errors import Conflict, Declined, Forbidden, Invalid, NotFound
from services.accounts.contract import ACCOUNT_UPDATED
from services.orders import contract as orders_contract
from services.payments import contract
from tests.payments.testbed import PaymentsTestbed
from tests.support.placed_orders import euros, new_id


def test_a_completed_order_is_paid_and_its_money_is_where_it_belongs(testbed: PaymentsTestbed) -> None:
    order = testbed.order(euros(4500))
    payment = testbed.pay(order)
    assert (payment["status"], payment["amount"], payment["fee"]) == ("paid", euros(4500), euros(450))
    assert payment["provider_share"] == euros(4050)
    assert payment["paid_at"] is not None
    assert testbed.entries(order) == {
        "customer_funds": [-4500],
        "provider_pending": [4050],
        "platform_fee": [450],
    }
    assert testbed.balance() == ({"EUR": 0}, {"EUR": 4050})
    assert testbed.changes(order) == [("due", "due"), ("processing", "processing"), ("paid", "paid")]
    assert [event["payment_version"] for event in testbed.payment_events(order)] == [1, 2, 3]


def test_an_event_of_completion_makes_one_payment_due_however_often_it_comes(
    testbed: PaymentsTestbed,
) -> None:
    order = testbed.order(known=False)
    for _ in range(2):
        testbed.payments.deliver(orders_contract.ORDER_STATUS_CHANGED, **order.event())
    assert testbed.changes(order) == [("due", "due")]


def test_nothing_is_due_for_an_order_that_is_not_completed(testbed: PaymentsTestbed) -> None:
    order = testbed.order(status=3)
    assert testbed.changes(order) == []
    with pytest.raises(Conflict) as refused:
        testbed.pay(order)
    assert (refused.value.code, refused.value.data) == ("payment_not_due", {"current_status": 3})


def test_a_customer_who_is_faster_than_the_event_is_served(testbed: PaymentsTestbed) -> None:
    order = testbed.order(known=False)
    assert testbed.pay(order)["status"] == "paid"
    testbed.payments.deliver(orders_contract.ORDER_STATUS_CHANGED, **order.event())
    assert testbed.changes(order) == [("due", "due"), ("processing", "processing"), ("paid", "paid")]


def test_only_the_customer_pays(testbed: PaymentsTestbed) -> None:
    order = testbed.order()
    for caller in (testbed.provider, testbed.staff):
        with pytest.raises(Forbidden):
            testbed.pay(order, caller=caller)
    with pytest.raises(NotFound):
        testbed.pay(order, caller=testbed.stranger)
    with pytest.raises(NotFound):
        testbed.payments.call_as(testbed.customer, contract.PAY_ORDER, order_id="no-id", method="sandbox_ok")
    with pytest.raises(NotFound):
        testbed.payments.call_as(testbed.customer, contract.PAY_ORDER, order_id=new_id(), method="sandbox_ok")


def test_an_unknown_method_is_refused_before_anything_is_begun(testbed: PaymentsTestbed) -> None:
    order = testbed.order()
    for method in ("sandbox_gold", "pm_card_visa"):
        with pytest.raises(Invalid) as refused:
            testbed.pay(order, method)
        assert refused.value.code == "unknown_method"
    assert testbed.changes(order) == [("due", "due")]


def test_a_paid_order_is_not_paid_again(testbed: PaymentsTestbed) -> None:
    order = testbed.order()
    payment = testbed.pay(order)
    with pytest.raises(Conflict) as refused:
        testbed.pay(order)
    assert (refused.value.code, refused.value.data) == ("already_paid", {"payment_id": payment["id"]})
    testbed.refund(payment)
    with pytest.raises(Conflict, match="is paid"):
        testbed.pay(order)


def test_a_repeat_with_the_same_key_gets_the_same_answer(testbed: PaymentsTestbed) -> None:
    order = testbed.order()
    first = testbed.pay(order, key="k-1")
    assert testbed.pay(order, key="k-1") == first
    assert testbed.payments.replayed
    assert testbed.captured(order) == 1


def test_a_key_of_another_request_is_refused(testbed: PaymentsTestbed) -> None:
    order, other = testbed.order(), testbed.order()
    testbed.pay(order, key="k-2")
    with pytest.raises(Invalid) as refused:
        testbed.pay(other, key="k-2", fingerprint="another")
    assert refused.value.code == "idempotency_key_reused"
    assert testbed.changes(other) == [("due", "due")]


def test_a_decline_is_stored_for_its_key_and_another_try_may_succeed(testbed: PaymentsTestbed) -> None:
    order = testbed.order()
    refusals = []
    for _ in range(2):
        with pytest.raises(Declined) as refused:
            testbed.pay(order, "sandbox_declined", key="k-3")
        refusals.append((refused.value.code, refused.value.data))
    assert refusals[0] == refusals[1]
    assert refusals[0][1]["failure"] == "declined"
    assert testbed.changes(order)[-1] == ("failed", "failed")
    assert testbed.pay(order)["status"] == "paid"
    assert testbed.changes(order)[-1] == ("paid", "paid")
    page = testbed.payments.call_as(testbed.customer, contract.LIST_PAYMENTS, order_id=order.id)
    assert [payment["status"] for payment in page["data"]] == ["paid", "failed"]


def test_staff_who_read_payments_are_logged_and_parties_are_not(testbed: PaymentsTestbed) -> None:
    order = testbed.order()
    payment = testbed.pay(order)
    with capture_logs() as logs:
        for caller in (testbed.customer, testbed.provider, testbed.staff):
            testbed.get(payment, caller)
            testbed.payments.call_as(caller, contract.LIST_PAYMENTS, order_id=order.id)
    reads = [line for line in logs if line["event"] == "staff_read"]
    assert [(line["resource"], line["account_id"], line["order_id"]) for line in reads] == [
        ("payment", testbed.staff.id, order.id),
        ("payments", testbed.staff.id, order.id),
    ]


def test_only_the_parties_and_staff_see_a_payment(testbed: PaymentsTestbed) -> None:
    order = testbed.order()
    payment = testbed.pay(order)
    for caller, actions in (
        (testbed.customer, []),
        (testbed.provider, ["refund"]),
        (testbed.staff, ["refund"]),
    ):
        shown = {**payment, "available_actions": actions}
        assert testbed.get(payment, caller) == shown
        page = testbed.payments.call_as(caller, contract.LIST_PAYMENTS, order_id=order.id)
        assert page == {"data": [shown], "next_cursor": None}
    for ask in (
        lambda: testbed.get(payment, testbed.stranger),
        lambda: testbed.get({"id": new_id()}),
        lambda: testbed.get({"id": "no-id"}),
        lambda: testbed.payments.call_as(testbed.stranger, contract.LIST_PAYMENTS, order_id=order.id),
    ):
        with pytest.raises(NotFound):
            ask()


def test_an_order_that_is_not_known_here_has_no_payments_for_who_may_see_it(testbed: PaymentsTestbed) -> None:
    order = testbed.order(known=False, status=2)
    page = testbed.payments.call_as(testbed.customer, contract.LIST_PAYMENTS, order_id=order.id)
    assert page == {"data": [], "next_cursor": None}
    with pytest.raises(NotFound):
        testbed.payments.call_as(testbed.customer, contract.LIST_PAYMENTS, order_id=new_id())


def test_payments_show_people_as_they_are_called_now(testbed: PaymentsTestbed) -> None:
    payment = testbed.paid()
    testbed.payments.deliver(
        ACCOUNT_UPDATED, account_id=testbed.provider.id, display_name="Petra P.", account_version=2
    )
    testbed.payments.deliver(
        ACCOUNT_UPDATED, account_id=testbed.provider.id, display_name="Older", account_version=1
    )
    assert testbed.get(payment)["provider"]["display_name"] == "Petra P."


def test_the_first_step_is_committed_before_the_processor_is_asked(
    testbed: PaymentsTestbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    order, seen = testbed.order(), []

    def charge(request: object) -> object:
        seen.append(testbed.payments.engine.pool.checkedout())  # type: ignore[attr-defined]
        seen.append(testbed.changes(order)[-1])
        return real(request)  # type: ignore[arg-type]

    real = testbed.context.processor.charge
    monkeypatch.setattr(testbed.context.processor, "charge", charge)
    testbed.pay(order)
    assert seen == [0, ("processing", "processing")]
