"""The ledger as people see it: balances, transactions, and a provider's month."""

from datetime import UTC, datetime

import pytest

from kit.errors import BadQuery, Invalid
from services.payments import contract
from services.payments.ledger.statements import bounds_of
from tests.payments.testbed import World, checked
from tests.support.placed_orders import Json, euros

THIS_MONTH = datetime.now(UTC).strftime("%Y-%m")


def statement(world: World, month: str) -> Json:
    """The provider's month."""
    answer = world.payments.call_as(world.provider, contract.GET_STATEMENT, month=month)
    return checked(contract.Statement, answer)


def a_month_of_business(world: World) -> None:
    """Earned, partly given back, released, paid out; and something in yen."""
    payment = world.paid(euros(10_000))
    world.refund(payment, euros(1_000))
    world.release(payment)
    world.pay_out(euros(5_000))
    world.paid({"amount": 700, "currency": "JPY"})


def test_both_parties_see_their_side_of_every_movement(world: World) -> None:
    a_month_of_business(world)
    seen = [
        (t["type"], t["amount"]["amount"], t["amount"]["currency"])
        for t in world.transactions(world.provider)
    ]
    assert seen == [
        ("earning", 630, "JPY"),
        ("payout", -5000, "EUR"),
        ("release", 0, "EUR"),
        ("refund", -900, "EUR"),
        ("earning", 9000, "EUR"),
    ]
    paid = [(t["type"], t["amount"]["amount"], t["role"]) for t in world.transactions(world.customer)]
    assert paid == [
        ("payment", -700, "customer"),
        ("refund", 1000, "customer"),
        ("payment", -10000, "customer"),
    ]
    assert world.transactions(world.stranger) == []


def test_a_providers_lines_add_up_to_the_balance(world: World) -> None:
    a_month_of_business(world)
    available, pending = world.balance()
    for kind, balance in (("available", available), ("pending", pending)):
        sums: dict[str, int] = {}
        for line in world.transactions(world.provider):
            money = line[kind]
            sums[money["currency"]] = sums.get(money["currency"], 0) + money["amount"]
        assert sums == balance


def test_transactions_come_page_by_page(world: World) -> None:
    a_month_of_business(world)
    everything = world.transactions(world.provider)
    found: list[Json] = []
    cursor = None
    while len(found) < len(everything):
        page = world.payments.call_as(world.provider, contract.LIST_TRANSACTIONS, limit=2, cursor=cursor)
        found += page["data"]
        cursor = page["next_cursor"]
    assert (found, cursor) == (everything, None)
    page = world.payments.call_as(world.provider, contract.LIST_TRANSACTIONS, limit=1)
    with pytest.raises(BadQuery):
        world.payments.call_as(world.customer, contract.LIST_TRANSACTIONS, cursor=page["next_cursor"])


def test_a_statement_adds_up_in_every_currency(world: World) -> None:
    a_month_of_business(world)
    month = statement(world, THIS_MONTH)
    assert month["totals"] == [
        {
            "currency": "EUR",
            "opening": 0,
            "gross": 10_000,
            "fees": 900,
            "refunded": 1_000,
            "paid_out": 5_000,
            "closing": 3_100,
        },
        {
            "currency": "JPY",
            "opening": 0,
            "gross": 700,
            "fees": 70,
            "refunded": 0,
            "paid_out": 0,
            "closing": 630,
        },
    ]
    assert [line["type"] for line in month["lines"]] == ["earning", "refund", "payout", "earning"]


def test_the_next_month_opens_with_what_this_one_closed(world: World) -> None:
    a_month_of_business(world)
    _, after = bounds_of(THIS_MONTH)
    totals = statement(world, after.strftime("%Y-%m"))["totals"]
    assert [(t["currency"], t["opening"], t["closing"]) for t in totals] == [
        ("EUR", 3100, 3100),
        ("JPY", 630, 630),
    ]
    assert statement(world, "2020-01")["totals"] == []


def test_a_statement_lists_so_many_lines_but_counts_all(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_month_of_business(world)
    whole = statement(world, THIS_MONTH)
    assert (len(whole["lines"]), whole["lines_left_out"]) == (4, 0)
    monkeypatch.setattr("services.payments.ledger.statements.MAX_STATEMENT_LINES", 3)
    cut = statement(world, THIS_MONTH)
    assert (cut["lines"], cut["lines_left_out"]) == (whole["lines"][:3], 1)
    assert cut["totals"] == whole["totals"]


def test_a_month_is_a_month() -> None:
    assert bounds_of("2026-12") == (datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize("month", ["2026-13", "2026-00", "26-01", "2026-1", "2026-11\n", "1999-11"])
def test_what_is_no_month_is_refused(world: World, month: str) -> None:
    with pytest.raises(Invalid):
        world.payments.call_as(world.provider, contract.GET_STATEMENT, month=month)
