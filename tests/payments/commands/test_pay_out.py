"""Payouts and what makes money available."""

import pytest

from kit.errors import Conflict, Invalid
from services.payments import contract
from services.payments.ledger.settlement import settle_payout
from services.payments.processors.base import OutcomeUnknown, Transfer
from tests.payments.testbed import PaymentsTestbed, checked
from tests.support.placed_orders import euros


def test_a_share_is_pending_until_its_period_is_over_and_is_released_once(testbed: PaymentsTestbed) -> None:
    payment = testbed.paid()
    testbed.payments.tick("release_shares")
    assert testbed.balance() == ({"EUR": 0}, {"EUR": 4050})
    for _ in range(2):
        testbed.release(payment)
    assert testbed.balance() == ({"EUR": 4050}, {"EUR": 0})


def test_what_was_refunded_is_not_released(testbed: PaymentsTestbed) -> None:
    part, whole = testbed.paid(), testbed.paid()
    testbed.refund(part, euros(1000))
    testbed.refund(whole)
    testbed.make_releasable(part)
    testbed.release(whole)
    assert testbed.balance() == ({"EUR": 3150}, {"EUR": 0})


def test_available_money_is_paid_out_and_told_of(testbed: PaymentsTestbed) -> None:
    testbed.release(testbed.paid())
    payout = testbed.pay_out(euros(4000))
    assert (payout["status"], payout["amount"]) == ("paid", euros(4000))
    assert testbed.balance() == ({"EUR": 50}, {"EUR": 0})
    events = [e for e in testbed.payments.events("payout_changed") if e["payout_id"] == payout["id"]]
    assert [(e["status"], e["payout_version"]) for e in events] == [("processing", 1), ("paid", 2)]
    page = testbed.payments.call_as(testbed.provider, contract.LIST_PAYOUTS)
    assert [checked(contract.Payout, one) for one in page["data"]] == [payout]


def test_pending_money_and_other_currencies_are_not_paid_out(testbed: PaymentsTestbed) -> None:
    testbed.release(testbed.paid())
    testbed.paid(euros(9000))
    for amount in (euros(4051), {"amount": 1, "currency": "USD"}):
        with pytest.raises(Conflict) as refused:
            testbed.pay_out(amount)
        assert refused.value.code == "insufficient_balance"
    for bad in (0, -1, True, 10**12 + 1):
        with pytest.raises(Invalid):
            testbed.pay_out(euros(bad))


def test_a_repeated_payout_is_one(testbed: PaymentsTestbed) -> None:
    testbed.release(testbed.paid())
    first = testbed.pay_out(euros(1000), key="p-1")
    assert testbed.pay_out(euros(1000), key="p-1") == first
    assert testbed.balance() == ({"EUR": 3050}, {"EUR": 0})


def test_a_payout_whose_answer_was_lost_is_finished_later(
    testbed: PaymentsTestbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    testbed.release(testbed.paid())

    def lose(_request: object, _repeated: bool) -> Transfer:
        raise OutcomeUnknown("lost")

    monkeypatch.setattr(testbed.context.processor, "pay_out", lose)
    payout = testbed.pay_out(euros(4050))
    assert payout["status"] == "processing"
    assert testbed.balance() == ({"EUR": 0}, {"EUR": 0})
    monkeypatch.undo()
    testbed.reconcile()
    page = testbed.payments.call_as(testbed.provider, contract.LIST_PAYOUTS)
    assert [one["status"] for one in page["data"]] == ["paid"]


def test_a_payout_that_the_bank_sends_back_is_available_again_once(testbed: PaymentsTestbed) -> None:
    testbed.release(testbed.paid())
    payout = testbed.pay_out(euros(4050))
    for _ in range(2):
        testbed.payments.db.write(
            lambda c: settle_payout(c, payout["id"], Transfer("refused", None, "closed"))
        )
    assert testbed.balance() == ({"EUR": 4050}, {"EUR": 0})
    line = testbed.transactions(testbed.provider)[0]
    assert (line["type"], line["amount"], line["payout_id"]) == ("payout_returned", euros(4050), payout["id"])


def test_payouts_are_listed_page_by_page(testbed: PaymentsTestbed) -> None:
    testbed.release(testbed.paid())
    made = [testbed.pay_out(euros(100))["id"] for _ in range(3)]
    first = testbed.payments.call_as(testbed.provider, contract.LIST_PAYOUTS, limit=2)
    rest = testbed.payments.call_as(
        testbed.provider, contract.LIST_PAYOUTS, limit=2, cursor=first["next_cursor"]
    )
    assert [one["id"] for one in first["data"] + rest["data"]] == made[::-1]
    assert rest["next_cursor"] is None
    assert testbed.payments.call_as(testbed.customer, contract.LIST_PAYOUTS)["data"] == []
