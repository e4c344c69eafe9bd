"""The sandbox's methods all end in the right state, whatever happens to their answers."""

from datetime import timedelta

import pytest

from kit.errors import Conflict, Declined, NotFound
from services.payments import contract
from services.payments.ledger.settlement import settle_charge
from services.payments.processors.base import Charge
from services.payments.processors.requests import charge_request_of
from services.payments.processors.sandbox import ACTION_PATH
from services.payments.rows import find_payment
from tests.payments.testbed import PaymentsTestbed
from tests.support.placed_orders import Json


def token_of(payment: Json) -> str:
    """The last part of the page's address."""
    assert payment["status"] == "requires_action"
    path: str = payment["action_url"]
    assert path.startswith(ACTION_PATH)
    return path.removeprefix(ACTION_PATH)


def answer(testbed: PaymentsTestbed, token: str, approve: bool) -> Json:
    """What the person says on the page, who need not be signed in there."""
    answered = testbed.payments.call_as(None, contract.ANSWER_SANDBOX_ACTION, token=token, approve=approve)
    assert contract.SandboxAction().validate(answered) == {}
    return dict(answered)


def test_a_lost_answer_is_asked_for_again_and_nothing_is_charged_twice(testbed: PaymentsTestbed) -> None:
    order = testbed.order()
    payment = testbed.pay(order, "sandbox_timeout", key="k")
    assert payment["status"] == "processing"
    with pytest.raises(Conflict) as refused:
        testbed.pay(order, "sandbox_ok")
    assert refused.value.code == "payment_in_progress"
    testbed.reconcile()
    assert testbed.get(payment)["status"] == "paid"
    testbed.reconcile()
    assert testbed.captured(order) == 1
    assert testbed.changes(order) == [("due", "due"), ("processing", "processing"), ("paid", "paid")]
    assert testbed.pay(order, "sandbox_timeout", key="k") == payment  # as it was answered then


def test_only_the_customer_is_told_where_the_second_step_is(testbed: PaymentsTestbed) -> None:
    order = testbed.order()
    payment = testbed.pay(order, "sandbox_action")
    assert testbed.get(payment)["action_url"] == payment["action_url"] is not None
    page = testbed.payments.call_as(testbed.customer, contract.LIST_PAYMENTS, order_id=order.id)
    assert page["data"][0]["action_url"] == payment["action_url"]
    shown = {**payment, "action_url": None, "available_actions": []}
    for other in (testbed.provider, testbed.staff):
        assert testbed.get(payment, other) == shown
        page = testbed.payments.call_as(other, contract.LIST_PAYMENTS, order_id=order.id)
        assert page["data"] == [shown]


def test_a_second_step_that_is_approved_pays(testbed: PaymentsTestbed) -> None:
    order = testbed.order()
    payment = testbed.pay(order, "sandbox_action")
    token = token_of(payment)
    shown = testbed.payments.call_as(None, contract.GET_SANDBOX_ACTION, token=token)
    assert shown == {"amount": payment["amount"], "status": "requires_action", "order_id": order.id}
    for _ in range(2):
        assert answer(testbed, token, approve=True)["status"] == "captured"
    after = testbed.get(payment)
    assert (after["status"], after["action_url"]) == ("paid", None)
    assert testbed.changes(order) == [("due", "due"), ("processing", "processing"), ("paid", "paid")]
    with pytest.raises(Conflict) as refused:
        answer(testbed, token, approve=False)
    assert refused.value.code == "payment_not_waiting"


def test_a_second_step_that_is_refused_fails_and_another_try_is_free(testbed: PaymentsTestbed) -> None:
    order = testbed.order()
    payment = testbed.pay(order, "sandbox_action")
    assert answer(testbed, token_of(payment), approve=False)["status"] == "declined"
    assert testbed.get(payment)["status"] == "failed"
    assert testbed.pay(order)["status"] == "paid"


def test_an_unconfirmed_payment_is_cancelled_in_time(testbed: PaymentsTestbed) -> None:
    order = testbed.order()
    payment = testbed.pay(order, "sandbox_action")
    testbed.reconcile()
    assert testbed.get(payment)["status"] == "requires_action"
    testbed.change("payments", payment["id"], "created_at = created_at - interval '25 hours'")
    testbed.reconcile()
    assert testbed.get(payment)["status"] == "failed"
    with pytest.raises(Conflict):
        answer(testbed, token_of(payment), approve=True)
    assert testbed.captured(order) == 0


def test_an_answer_whose_callback_was_lost_is_found(testbed: PaymentsTestbed) -> None:
    order = testbed.order()
    payment = testbed.pay(order, "sandbox_action")
    testbed.context.processor.answer(token_of(payment), True)  # type: ignore[attr-defined]
    testbed.reconcile()
    assert testbed.get(payment)["status"] == "paid"


def test_a_late_processor_calls_back_twice_and_is_believed_once(testbed: PaymentsTestbed) -> None:
    order = testbed.order()
    payment = testbed.pay(order, "sandbox_late")
    assert payment["status"] == "processing"
    for _ in range(2):
        testbed.payments.tick("deliver_sandbox_callbacks")
    assert testbed.get(payment)["status"] == "paid"
    assert testbed.changes(order).count(("paid", "paid")) == 1
    events = testbed.payments.execute(
        "SELECT count(*) FROM processor_events WHERE event_id = :id", id=f"late-{payment['id']}"
    )
    assert events[0][0] == 1


def test_a_callback_that_comes_after_the_question_changes_nothing(testbed: PaymentsTestbed) -> None:
    order = testbed.order()
    payment = testbed.pay(order, "sandbox_late")
    testbed.reconcile()
    assert testbed.get(payment)["status"] == "processing"
    testbed.payments.execute("UPDATE sandbox.charges SET state = 'captured' WHERE state = 'pending'")
    testbed.reconcile()
    testbed.payments.tick("deliver_sandbox_callbacks")
    assert testbed.get(payment)["status"] == "paid"
    assert testbed.changes(order).count(("paid", "paid")) == 1


def test_an_unknown_page_is_not_found(testbed: PaymentsTestbed) -> None:
    declined = testbed.order()
    with pytest.raises(Declined):
        testbed.pay(declined, "sandbox_declined")
    stored = testbed.payments.execute(
        "SELECT token FROM sandbox.charges WHERE order_id = :id", id=declined.id
    )
    for token in ("nobody", stored[0].token):
        with pytest.raises(NotFound):
            testbed.payments.call_as(None, contract.GET_SANDBOX_ACTION, token=token)
        with pytest.raises(NotFound):
            answer(testbed, token, approve=True)


def test_a_charge_that_never_arrived_can_be_cancelled_for_good(testbed: PaymentsTestbed) -> None:
    payment = testbed.pay(testbed.order(), "sandbox_action")
    row = testbed.payments.db.read(lambda connection: dict(find_payment(connection, payment["id"])))
    request = charge_request_of({**row, "id": "01934f00-0000-7000-8000-00000000f001", "method": "sandbox_ok"})
    assert testbed.context.processor.cancel(request, None).state == "cancelled"
    assert testbed.context.processor.charge(request).state == "cancelled"


def settled(testbed: PaymentsTestbed, payment: Json, charge: Charge) -> Json:
    """The payment after the processor reported a charge."""
    testbed.payments.db.write(
        lambda connection: settle_charge(connection, payment["id"], charge, testbed.settings)
    )
    return testbed.get(payment)


def test_a_failed_payment_that_was_captured_after_all_is_paid(testbed: PaymentsTestbed) -> None:
    order = testbed.order()
    payment = testbed.pay(order, "sandbox_action")
    assert settled(testbed, payment, Charge("cancelled"))["status"] == "failed"
    answer(testbed, token_of(payment), approve=True)
    assert testbed.get(payment)["status"] == "paid"
    assert settled(testbed, payment, Charge("declined"))["status"] == "paid"
    assert testbed.entries(order)["customer_funds"] == [-4500]


def test_a_second_capture_of_an_order_is_never_recorded_and_the_audit_finds_it(
    testbed: PaymentsTestbed,
) -> None:
    order = testbed.order()
    first = testbed.pay(order, "sandbox_action")
    settled(testbed, first, Charge("cancelled"))
    testbed.pay(order)
    answer(testbed, token_of(first), approve=True)
    assert testbed.get(first)["status"] == "failed"
    assert [(f["check"], f["subject"]) for f in testbed.findings()] == [("processor_differs", first["id"])]
    testbed.payments.execute(
        "UPDATE sandbox.charges SET refunded_minor = amount_minor WHERE key = :key",
        key=f"payment-{first['id']}",
    )


def test_the_processor_is_asked_less_and_less_often(testbed: PaymentsTestbed) -> None:
    waits = [testbed.settings.check_after(checks) for checks in range(20)]
    assert waits[:3] == [timedelta(seconds=1), timedelta(seconds=2), timedelta(seconds=4)]
    assert waits == sorted(waits)
    assert waits[-1] == timedelta(hours=1)
