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
from tests.payments.testbed import World
from tests.support.placed_orders import Json


def token_of(payment: Json) -> str:
    """The last part of the page's address."""
    assert payment["status"] == "requires_action"
    path: str = payment["action_url"]
    assert path.startswith(ACTION_PATH)
    return path.removeprefix(ACTION_PATH)


def answer(world: World, token: str, approve: bool) -> Json:
    """What the person says on the page, who need not be signed in there."""
    answered = world.payments.call_as(None, contract.ANSWER_SANDBOX_ACTION, token=token, approve=approve)
    assert contract.SandboxAction().validate(answered) == {}
    return dict(answered)


def test_a_lost_answer_is_asked_for_again_and_nothing_is_charged_twice(world: World) -> None:
    order = world.order()
    payment = world.pay(order, "sandbox_timeout", key="k")
    assert payment["status"] == "processing"
    with pytest.raises(Conflict) as refused:
        world.pay(order, "sandbox_ok")
    assert refused.value.code == "payment_in_progress"
    world.reconcile()
    assert world.get(payment)["status"] == "paid"
    world.reconcile()
    assert world.captured(order) == 1
    assert world.changes(order) == [("due", "due"), ("processing", "processing"), ("paid", "paid")]
    assert world.pay(order, "sandbox_timeout", key="k") == payment  # as it was answered then


def test_only_the_customer_is_told_where_the_second_step_is(world: World) -> None:
    order = world.order()
    payment = world.pay(order, "sandbox_action")
    assert world.get(payment)["action_url"] == payment["action_url"] is not None
    page = world.payments.call_as(world.customer, contract.LIST_PAYMENTS, order_id=order.id)
    assert page["data"][0]["action_url"] == payment["action_url"]
    shown = {**payment, "action_url": None, "available_actions": []}
    for other in (world.provider, world.staff):
        assert world.get(payment, other) == shown
        page = world.payments.call_as(other, contract.LIST_PAYMENTS, order_id=order.id)
        assert page["data"] == [shown]


def test_a_second_step_that_is_approved_pays(world: World) -> None:
    order = world.order()
    payment = world.pay(order, "sandbox_action")
    token = token_of(payment)
    shown = world.payments.call_as(None, contract.GET_SANDBOX_ACTION, token=token)
    assert shown == {"amount": payment["amount"], "status": "requires_action", "order_id": order.id}
    for _ in range(2):
        assert answer(world, token, approve=True)["status"] == "captured"
    after = world.get(payment)
    assert (after["status"], after["action_url"]) == ("paid", None)
    assert world.changes(order) == [("due", "due"), ("processing", "processing"), ("paid", "paid")]
    with pytest.raises(Conflict) as refused:
        answer(world, token, approve=False)
    assert refused.value.code == "payment_not_waiting"


def test_a_second_step_that_is_refused_fails_and_another_try_is_free(world: World) -> None:
    order = world.order()
    payment = world.pay(order, "sandbox_action")
    assert answer(world, token_of(payment), approve=False)["status"] == "declined"
    assert world.get(payment)["status"] == "failed"
    assert world.pay(order)["status"] == "paid"


def test_an_unconfirmed_payment_is_cancelled_in_time(world: World) -> None:
    order = world.order()
    payment = world.pay(order, "sandbox_action")
    world.reconcile()
    assert world.get(payment)["status"] == "requires_action"
    world.change("payments", payment["id"], "created_at = created_at - interval '25 hours'")
    world.reconcile()
    assert world.get(payment)["status"] == "failed"
    with pytest.raises(Conflict):
        answer(world, token_of(payment), approve=True)
    assert world.captured(order) == 0


def test_an_answer_whose_callback_was_lost_is_found(world: World) -> None:
    order = world.order()
    payment = world.pay(order, "sandbox_action")
    world.context.processor.answer(token_of(payment), True)  # type: ignore[attr-defined]
    world.reconcile()
    assert world.get(payment)["status"] == "paid"


def test_a_late_processor_calls_back_twice_and_is_believed_once(world: World) -> None:
    order = world.order()
    payment = world.pay(order, "sandbox_late")
    assert payment["status"] == "processing"
    for _ in range(2):
        world.payments.tick("deliver_sandbox_callbacks")
    assert world.get(payment)["status"] == "paid"
    assert world.changes(order).count(("paid", "paid")) == 1
    events = world.payments.execute(
        "SELECT count(*) FROM processor_events WHERE event_id = :id", id=f"late-{payment['id']}"
    )
    assert events[0][0] == 1


def test_a_callback_that_comes_after_the_question_changes_nothing(world: World) -> None:
    order = world.order()
    payment = world.pay(order, "sandbox_late")
    world.reconcile()
    assert world.get(payment)["status"] == "processing"
    world.payments.execute("UPDATE sandbox.charges SET state = 'captured' WHERE state = 'pending'")
    world.reconcile()
    world.payments.tick("deliver_sandbox_callbacks")
    assert world.get(payment)["status"] == "paid"
    assert world.changes(order).count(("paid", "paid")) == 1


def test_an_unknown_page_is_not_found(world: World) -> None:
    declined = world.order()
    with pytest.raises(Declined):
        world.pay(declined, "sandbox_declined")
    stored = world.payments.execute("SELECT token FROM sandbox.charges WHERE order_id = :id", id=declined.id)
    for token in ("nobody", stored[0].token):
        with pytest.raises(NotFound):
            world.payments.call_as(None, contract.GET_SANDBOX_ACTION, token=token)
        with pytest.raises(NotFound):
            answer(world, token, approve=True)


def test_a_charge_that_never_arrived_can_be_cancelled_for_good(world: World) -> None:
    payment = world.pay(world.order(), "sandbox_action")
    row = world.payments.db.read(lambda connection: dict(find_payment(connection, payment["id"])))
    request = charge_request_of({**row, "id": "01934f00-0000-7000-8000-00000000f001", "method": "sandbox_ok"})
    assert world.context.processor.cancel(request, None).state == "cancelled"
    assert world.context.processor.charge(request).state == "cancelled"


def settled(world: World, payment: Json, charge: Charge) -> Json:
    """The payment after the processor reported a charge."""
    world.payments.db.write(
        lambda connection: settle_charge(connection, payment["id"], charge, world.settings)
    )
    return world.get(payment)


def test_a_failed_payment_that_was_captured_after_all_is_paid(world: World) -> None:
    order = world.order()
    payment = world.pay(order, "sandbox_action")
    assert settled(world, payment, Charge("cancelled"))["status"] == "failed"
    answer(world, token_of(payment), approve=True)
    assert world.get(payment)["status"] == "paid"
    assert settled(world, payment, Charge("declined"))["status"] == "paid"
    assert world.entries(order)["customer_funds"] == [-4500]


def test_a_second_capture_of_an_order_is_never_recorded_and_the_audit_finds_it(world: World) -> None:
    order = world.order()
    first = world.pay(order, "sandbox_action")
    settled(world, first, Charge("cancelled"))
    world.pay(order)
    answer(world, token_of(first), approve=True)
    assert world.get(first)["status"] == "failed"
    assert [(f["check"], f["subject"]) for f in world.findings()] == [("processor_differs", first["id"])]
    world.payments.execute(
        "UPDATE sandbox.charges SET refunded_minor = amount_minor WHERE key = :key",
        key=f"payment-{first['id']}",
    )


def test_the_processor_is_asked_less_and_less_often(world: World) -> None:
    waits = [world.settings.check_after(checks) for checks in range(20)]
    assert waits[:3] == [timedelta(seconds=1), timedelta(seconds=2), timedelta(seconds=4)]
    assert waits == sorted(waits)
    assert waits[-1] == timedelta(hours=1)
