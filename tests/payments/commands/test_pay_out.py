"""Payouts and what makes money available."""

import pytest

from kit.errors import Conflict, Invalid
from services.payments import contract
from services.payments.ledger.settlement import settle_payout
from services.payments.processors.base import OutcomeUnknown, Transfer
from tests.payments.testbed import World, checked
from tests.support.placed_orders import euros


def test_a_share_is_pending_until_its_period_is_over_and_is_released_once(world: World) -> None:
    payment = world.paid()
    world.payments.tick("release_shares")
    assert world.balance() == ({"EUR": 0}, {"EUR": 4050})
    for _ in range(2):
        world.release(payment)
    assert world.balance() == ({"EUR": 4050}, {"EUR": 0})


def test_what_was_refunded_is_not_released(world: World) -> None:
    part, whole = world.paid(), world.paid()
    world.refund(part, euros(1000))
    world.refund(whole)
    world.make_releasable(part)
    world.release(whole)
    assert world.balance() == ({"EUR": 3150}, {"EUR": 0})


def test_available_money_is_paid_out_and_told_of(world: World) -> None:
    world.release(world.paid())
    payout = world.pay_out(euros(4000))
    assert (payout["status"], payout["amount"]) == ("paid", euros(4000))
    assert world.balance() == ({"EUR": 50}, {"EUR": 0})
    events = [e for e in world.payments.events("payout_changed") if e["payout_id"] == payout["id"]]
    assert [(e["status"], e["payout_version"]) for e in events] == [("processing", 1), ("paid", 2)]
    page = world.payments.call_as(world.provider, contract.LIST_PAYOUTS)
    assert [checked(contract.Payout, one) for one in page["data"]] == [payout]


def test_pending_money_and_other_currencies_are_not_paid_out(world: World) -> None:
    world.release(world.paid())
    world.paid(euros(9000))
    for amount in (euros(4051), {"amount": 1, "currency": "USD"}):
        with pytest.raises(Conflict) as refused:
            world.pay_out(amount)
        assert refused.value.code == "insufficient_balance"
    for bad in (0, -1, True, 10**12 + 1):
        with pytest.raises(Invalid):
            world.pay_out(euros(bad))


def test_a_repeated_payout_is_one(world: World) -> None:
    world.release(world.paid())
    first = world.pay_out(euros(1000), key="p-1")
    assert world.pay_out(euros(1000), key="p-1") == first
    assert world.balance() == ({"EUR": 3050}, {"EUR": 0})


def test_a_payout_whose_answer_was_lost_is_finished_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.release(world.paid())

    def lose(_request: object, _repeated: bool) -> Transfer:
        raise OutcomeUnknown("lost")

    monkeypatch.setattr(world.context.processor, "pay_out", lose)
    payout = world.pay_out(euros(4050))
    assert payout["status"] == "processing"
    assert world.balance() == ({"EUR": 0}, {"EUR": 0})
    monkeypatch.undo()
    world.reconcile()
    page = world.payments.call_as(world.provider, contract.LIST_PAYOUTS)
    assert [one["status"] for one in page["data"]] == ["paid"]


def test_a_payout_that_the_bank_sends_back_is_available_again_once(world: World) -> None:
    world.release(world.paid())
    payout = world.pay_out(euros(4050))
    for _ in range(2):
        world.payments.db.write(lambda c: settle_payout(c, payout["id"], Transfer("refused", None, "closed")))
    assert world.balance() == ({"EUR": 4050}, {"EUR": 0})
    line = world.transactions(world.provider)[0]
    assert (line["type"], line["amount"], line["payout_id"]) == ("payout_returned", euros(4050), payout["id"])


def test_payouts_are_listed_page_by_page(world: World) -> None:
    world.release(world.paid())
    made = [world.pay_out(euros(100))["id"] for _ in range(3)]
    first = world.payments.call_as(world.provider, contract.LIST_PAYOUTS, limit=2)
    rest = world.payments.call_as(world.provider, contract.LIST_PAYOUTS, limit=2, cursor=first["next_cursor"])
    assert [one["id"] for one in first["data"] + rest["data"]] == made[::-1]
    assert rest["next_cursor"] is None
    assert world.payments.call_as(world.customer, contract.LIST_PAYOUTS)["data"] == []
