"""Giving money back, in whole and in part, before and after the share is available."""

import pytest

from kit.errors import Conflict, Forbidden, Invalid, NotFound
from kit.security.tokens import Caller
from services.payments.processors.base import OutcomeUnknown, Transfer
from tests.payments.testbed import World
from tests.support.placed_orders import euros


def test_a_whole_refund_takes_back_what_everybody_got(world: World) -> None:
    order = world.order()
    payment = world.pay(order)
    refund = world.refund(payment)
    assert (refund["status"], refund["amount"]) == ("refunded", euros(4500))
    assert (refund["fee"], refund["provider_share"]) == (euros(450), euros(4050))
    after = world.get(payment)
    assert (after["status"], after["refunded"], after["refunds"]) == ("refunded", euros(4500), [refund])
    assert {account: sum(amounts) for account, amounts in world.entries(order).items()} == {
        "customer_funds": 0,
        "provider_pending": 0,
        "platform_fee": 0,
    }
    assert world.changes(order)[-1] == ("refunded", "refunded")
    assert world.payment_events(order)[-1]["refund"] == euros(4500)


def test_part_refunds_add_up_to_the_whole_and_the_last_takes_the_rest(world: World) -> None:
    order = world.order(euros(999))
    payment = world.pay(order)
    parts = [world.refund(payment, euros(333)) for _ in range(2)] + [world.refund(payment)]
    assert world.changes(order)[-3:] == [
        ("refunded", "partly_refunded"),
        ("refunded", "partly_refunded"),
        ("refunded", "refunded"),
    ]
    assert sum(part["fee"]["amount"] for part in parts) == payment["fee"]["amount"]
    assert sum(part["amount"]["amount"] for part in parts) == 999
    assert world.balance() == ({"EUR": 0}, {"EUR": 0})


def test_no_more_than_was_paid_is_refunded(world: World) -> None:
    payment = world.paid()
    with pytest.raises(Conflict) as refused:
        world.refund(payment, euros(4501))
    assert (refused.value.code, refused.value.data) == ("refund_exceeds_payment", {"left": euros(4500)})
    world.refund(payment, euros(4000))
    with pytest.raises(Conflict, match="more than is left"):
        world.refund(payment, euros(501))
    world.refund(payment, euros(500))
    with pytest.raises(Conflict) as refused:
        world.refund(payment, euros(1))
    assert refused.value.code == "payment_not_refundable"


def test_only_what_was_paid_in_its_own_currency_is_given_back(world: World) -> None:
    waiting = world.pay(world.order(), "sandbox_action")
    with pytest.raises(Conflict) as refused:
        world.refund(waiting)
    assert (refused.value.code, refused.value.data["payment_status"]) == (
        "payment_not_refundable",
        "requires_action",
    )
    with pytest.raises(Invalid) as invalid:
        world.refund(world.paid(), {"amount": 100, "currency": "USD"})
    assert invalid.value.code == "wrong_currency"


def test_only_the_provider_and_staff_refund(world: World) -> None:
    payment = world.paid()
    with pytest.raises(Forbidden):
        world.refund(payment, caller=world.customer)
    with pytest.raises(NotFound):
        world.refund(payment, caller=world.stranger)
    with pytest.raises(NotFound):
        world.refund({"id": "no-id"})
    world.refund(payment, euros(100), caller=world.staff)
    assert world.refund(payment)["amount"] == euros(4400)


def test_a_repeated_refund_is_one(world: World) -> None:
    payment = world.paid()
    first = world.refund(payment, euros(100), key="r-1")
    assert world.refund(payment, euros(100), key="r-1") == first
    assert world.get(payment)["refunded"] == euros(100)


def test_a_refund_after_the_release_comes_out_of_what_is_available(world: World) -> None:
    payment = world.paid()
    world.release(payment)
    assert world.balance() == ({"EUR": 4050}, {"EUR": 0})
    world.refund(payment, euros(1000))
    assert world.balance() == ({"EUR": 3150}, {"EUR": 0})


def test_a_provider_gives_back_no_more_than_they_have(world: World) -> None:
    payment = world.paid(euros(100_000))
    world.release(payment)
    world.pay_out(euros(90_000))
    for amount in (None, euros(1)):
        with pytest.raises(Conflict) as refused:
            world.refund(payment, amount)
        assert refused.value.code == "insufficient_balance"
        assert refused.value.data == {"available": euros(0), "pending": euros(0)}
    world.paid(euros(1000))  # 900 pending: a part of their own can be given back again
    assert world.refund(payment, euros(1000))["status"] == "refunded"
    assert world.balance() == ({"EUR": -900}, {"EUR": 900})
    with pytest.raises(Conflict):
        world.refund(payment, euros(2))


def test_money_in_another_currency_is_no_cover(world: World) -> None:
    payment = world.paid()
    world.release(payment)
    world.pay_out(euros(4050))
    world.paid({"amount": 10_000, "currency": "USD"})
    with pytest.raises(Conflict) as refused:
        world.refund(payment)
    assert refused.value.code == "insufficient_balance"


def test_a_provider_who_is_staff_is_the_provider_here(world: World) -> None:
    both = Caller(world.provider.id, "Petra", frozenset({"member", "staff"}), world.provider.session_id)
    payment = world.paid()
    world.release(payment)
    world.pay_out(euros(4050))
    with pytest.raises(Conflict) as refused:
        world.refund(payment, caller=both)
    assert refused.value.code == "insufficient_balance"


def test_what_a_refund_under_way_needs_is_not_paid_out(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    payment = world.paid()
    other = world.paid(euros(1000))
    for one in (payment, other):
        world.release(one)

    def lose(request: object, repeated: bool) -> Transfer:
        raise OutcomeUnknown("lost")

    monkeypatch.setattr(world.context.processor, "refund", lose)
    assert world.refund(payment)["status"] == "processing"
    with pytest.raises(Conflict) as refused:
        world.pay_out(euros(901))
    assert refused.value.data == {"available": euros(900)}
    assert world.pay_out(euros(900))["status"] == "paid"
    with pytest.raises(Conflict) as refused:
        world.refund(other, euros(10))
    assert refused.value.code == "insufficient_balance"
    monkeypatch.undo()
    world.reconcile()
    assert world.balance() == ({"EUR": 0}, {"EUR": 0})


def test_staff_refund_after_a_payout_and_the_debt_is_filled_by_later_earnings(world: World) -> None:
    payment = world.paid()
    world.release(payment)
    world.pay_out(euros(4050))
    world.refund(payment, caller=world.staff)
    assert world.balance() == ({"EUR": -4050}, {"EUR": 0})
    with pytest.raises(Conflict) as refused:
        world.pay_out(euros(1))
    assert (refused.value.code, refused.value.data) == ("insufficient_balance", {"available": euros(-4050)})
    world.release(world.paid(euros(5000)))
    assert world.balance() == ({"EUR": 450}, {"EUR": 0})


def test_a_refund_whose_answer_was_lost_is_finished_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = world.paid()
    real = world.context.processor.refund

    def lose(request: object, repeated: bool) -> Transfer:
        real(request, repeated)  # type: ignore[arg-type]
        raise OutcomeUnknown("lost")

    monkeypatch.setattr(world.context.processor, "refund", lose)
    assert world.refund(payment, euros(100))["status"] == "processing"
    with pytest.raises(Conflict) as refused:
        world.refund(payment, euros(100))
    assert refused.value.code == "refund_in_progress"
    monkeypatch.undo()
    world.reconcile()
    after = world.get(payment)
    assert (after["status"], after["refunded"]) == ("partly_refunded", euros(100))


def test_a_refused_refund_moves_nothing_and_may_be_tried_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = world.order()
    payment = world.pay(order)
    monkeypatch.setattr(
        world.context.processor, "refund", lambda _request, _repeated: Transfer("refused", failure="too_late")
    )
    assert world.refund(payment)["status"] == "failed"
    assert world.get(payment)["status"] == "paid"
    monkeypatch.undo()
    assert world.refund(payment)["status"] == "refunded"
