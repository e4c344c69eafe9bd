"""Giving money back, in whole and in part, before and after the share is available."""

import pytest

from kit.errors import Conflict, Forbidden, Invalid, NotFound
from kit.security.tokens import Caller
from services.payments.processors.base import OutcomeUnknown, Transfer
from tests.payments.testbed import PaymentsTestbed
from tests.support.placed_orders import euros


def test_a_whole_refund_takes_back_what_everybody_got(testbed: PaymentsTestbed) -> None:
    order = testbed.order()
    payment = testbed.pay(order)
    refund = testbed.refund(payment)
    assert (refund["status"], refund["amount"]) == ("refunded", euros(4500))
    assert (refund["fee"], refund["provider_share"]) == (euros(450), euros(4050))
    after = testbed.get(payment)
    assert (after["status"], after["refunded"], after["refunds"]) == ("refunded", euros(4500), [refund])
    assert {account: sum(amounts) for account, amounts in testbed.entries(order).items()} == {
        "customer_funds": 0,
        "provider_pending": 0,
        "platform_fee": 0,
    }
    assert testbed.changes(order)[-1] == ("refunded", "refunded")
    assert testbed.payment_events(order)[-1]["refund"] == euros(4500)


def test_part_refunds_add_up_to_the_whole_and_the_last_takes_the_rest(testbed: PaymentsTestbed) -> None:
    order = testbed.order(euros(999))
    payment = testbed.pay(order)
    parts = [testbed.refund(payment, euros(333)) for _ in range(2)] + [testbed.refund(payment)]
    assert testbed.changes(order)[-3:] == [
        ("refunded", "partly_refunded"),
        ("refunded", "partly_refunded"),
        ("refunded", "refunded"),
    ]
    assert sum(part["fee"]["amount"] for part in parts) == payment["fee"]["amount"]
    assert sum(part["amount"]["amount"] for part in parts) == 999
    assert testbed.balance() == ({"EUR": 0}, {"EUR": 0})


def test_no_more_than_was_paid_is_refunded(testbed: PaymentsTestbed) -> None:
    payment = testbed.paid()
    with pytest.raises(Conflict) as refused:
        testbed.refund(payment, euros(4501))
    assert (refused.value.code, refused.value.data) == ("refund_exceeds_payment", {"left": euros(4500)})
    testbed.refund(payment, euros(4000))
    with pytest.raises(Conflict, match="more than is left"):
        testbed.refund(payment, euros(501))
    testbed.refund(payment, euros(500))
    with pytest.raises(Conflict) as refused:
        testbed.refund(payment, euros(1))
    assert refused.value.code == "payment_not_refundable"


def test_only_what_was_paid_in_its_own_currency_is_given_back(testbed: PaymentsTestbed) -> None:
    waiting = testbed.pay(testbed.order(), "sandbox_action")
    with pytest.raises(Conflict) as refused:
        testbed.refund(waiting)
    assert (refused.value.code, refused.value.data["payment_status"]) == (
        "payment_not_refundable",
        "requires_action",
    )
    with pytest.raises(Invalid) as invalid:
        testbed.refund(testbed.paid(), {"amount": 100, "currency": "USD"})
    assert invalid.value.code == "wrong_currency"


def test_only_the_provider_and_staff_refund(testbed: PaymentsTestbed) -> None:
    payment = testbed.paid()
    with pytest.raises(Forbidden):
        testbed.refund(payment, caller=testbed.customer)
    with pytest.raises(NotFound):
        testbed.refund(payment, caller=testbed.stranger)
    with pytest.raises(NotFound):
        testbed.refund({"id": "no-id"})
    testbed.refund(payment, euros(100), caller=testbed.staff)
    assert testbed.refund(payment)["amount"] == euros(4400)


def test_a_repeated_refund_is_one(testbed: PaymentsTestbed) -> None:
    payment = testbed.paid()
    first = testbed.refund(payment, euros(100), key="r-1")
    assert testbed.refund(payment, euros(100), key="r-1") == first
    assert testbed.get(payment)["refunded"] == euros(100)


def test_a_refund_after_the_release_comes_out_of_what_is_available(testbed: PaymentsTestbed) -> None:
    payment = testbed.paid()
    testbed.release(payment)
    assert testbed.balance() == ({"EUR": 4050}, {"EUR": 0})
    testbed.refund(payment, euros(1000))
    assert testbed.balance() == ({"EUR": 3150}, {"EUR": 0})


def test_a_provider_gives_back_no_more_than_they_have(testbed: PaymentsTestbed) -> None:
    payment = testbed.paid(euros(100_000))
    testbed.release(payment)
    testbed.pay_out(euros(90_000))
    for amount in (None, euros(1)):
        with pytest.raises(Conflict) as refused:
            testbed.refund(payment, amount)
        assert refused.value.code == "insufficient_balance"
        assert refused.value.data == {"available": euros(0), "pending": euros(0)}
    testbed.paid(euros(1000))  # 900 pending: a part of their own can be given back again
    assert testbed.refund(payment, euros(1000))["status"] == "refunded"
    assert testbed.balance() == ({"EUR": -900}, {"EUR": 900})
    with pytest.raises(Conflict):
        testbed.refund(payment, euros(2))


def test_money_in_another_currency_is_no_cover(testbed: PaymentsTestbed) -> None:
    payment = testbed.paid()
    testbed.release(payment)
    testbed.pay_out(euros(4050))
    testbed.paid({"amount": 10_000, "currency": "USD"})
    with pytest.raises(Conflict) as refused:
        testbed.refund(payment)
    assert refused.value.code == "insufficient_balance"


def test_a_provider_who_is_staff_is_the_provider_here(testbed: PaymentsTestbed) -> None:
    both = Caller(testbed.provider.id, "Petra", frozenset({"member", "staff"}), testbed.provider.session_id)
    payment = testbed.paid()
    testbed.release(payment)
    testbed.pay_out(euros(4050))
    with pytest.raises(Conflict) as refused:
        testbed.refund(payment, caller=both)
    assert refused.value.code == "insufficient_balance"


def test_what_a_refund_under_way_needs_is_not_paid_out(
    testbed: PaymentsTestbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = testbed.paid()
    other = testbed.paid(euros(1000))
    for one in (payment, other):
        testbed.release(one)

    def lose(request: object, repeated: bool) -> Transfer:
        raise OutcomeUnknown("lost")

    monkeypatch.setattr(testbed.context.processor, "refund", lose)
    assert testbed.refund(payment)["status"] == "processing"
    with pytest.raises(Conflict) as refused:
        testbed.pay_out(euros(901))
    assert refused.value.data == {"available": euros(900)}
    assert testbed.pay_out(euros(900))["status"] == "paid"
    with pytest.raises(Conflict) as refused:
        testbed.refund(other, euros(10))
    assert refused.value.code == "insufficient_balance"
    monkeypatch.undo()
    testbed.reconcile()
    assert testbed.balance() == ({"EUR": 0}, {"EUR": 0})


def test_staff_refund_after_a_payout_and_the_debt_is_filled_by_later_earnings(
    testbed: PaymentsTestbed,
) -> None:
    payment = testbed.paid()
    testbed.release(payment)
    testbed.pay_out(euros(4050))
    testbed.refund(payment, caller=testbed.staff)
    assert testbed.balance() == ({"EUR": -4050}, {"EUR": 0})
    with pytest.raises(Conflict) as refused:
        testbed.pay_out(euros(1))
    assert (refused.value.code, refused.value.data) == ("insufficient_balance", {"available": euros(-4050)})
    testbed.release(testbed.paid(euros(5000)))
    assert testbed.balance() == ({"EUR": 450}, {"EUR": 0})


def test_a_refund_whose_answer_was_lost_is_finished_later(
    testbed: PaymentsTestbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = testbed.paid()
    real = testbed.context.processor.refund

    def lose(request: object, repeated: bool) -> Transfer:
        real(request, repeated)  # type: ignore[arg-type]
        raise OutcomeUnknown("lost")

    monkeypatch.setattr(testbed.context.processor, "refund", lose)
    assert testbed.refund(payment, euros(100))["status"] == "processing"
    with pytest.raises(Conflict) as refused:
        testbed.refund(payment, euros(100))
    assert refused.value.code == "refund_in_progress"
    monkeypatch.undo()
    testbed.reconcile()
    after = testbed.get(payment)
    assert (after["status"], after["refunded"]) == ("partly_refunded", euros(100))


def test_a_refused_refund_moves_nothing_and_may_be_tried_again(
    testbed: PaymentsTestbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = testbed.order()
    payment = testbed.pay(order)
    monkeypatch.setattr(
        testbed.context.processor,
        "refund",
        lambda _request, _repeated: Transfer("refused", failure="too_late"),
    )
    assert testbed.refund(payment)["status"] == "failed"
    assert testbed.get(payment)["status"] == "paid"
    monkeypatch.undo()
    assert testbed.refund(payment)["status"] == "refunded"
