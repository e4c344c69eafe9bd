"""The ledger as people see it: balances, transactions, and a provider's month."""

from datetime import UTC, datetime

import pytest

from kit.errors import BadQuery, Invalid
from services.payments import contract
from services.payments.ledger.statements import bounds_of
from tests.payments.testbed import PaymentsTestbed, checked
from tests.support.placed_orders import Json, euros

THIS_MONTH = datetime.now(UTC).strftime("%Y-%m")


def statement(testbed: PaymentsTestbed, month: str) -> Json:
    """The provider's month."""
    answer = testbed.payments.call_as(testbed.provider, contract.GET_STATEMENT, month=month)
    return checked(contract.Statement, answer)


def a_month_of_business(testbed: PaymentsTestbed) -> None:
    """Earned, partly given back, released, paid out; and something in yen."""
    payment = testbed.paid(euros(10_000))
    testbed.refund(payment, euros(1_000))
    testbed.release(payment)
    testbed.pay_out(euros(5_000))
    testbed.paid({"amount": 700, "currency": "JPY"})


def test_both_parties_see_their_side_of_every_movement(testbed: PaymentsTestbed) -> None:
    a_month_of_business(testbed)
    seen = [
        (t["type"], t["amount"]["amount"], t["amount"]["currency"])
        for t in testbed.transactions(testbed.provider)
    ]
    assert seen == [
        ("earning", 630, "JPY"),
        ("payout", -5000, "EUR"),
        ("release", 0, "EUR"),
        ("refund", -900, "EUR"),
        ("earning", 9000, "EUR"),
    ]
    paid = [(t["type"], t["amount"]["amount"], t["role"]) for t in testbed.transactions(testbed.customer)]
    assert paid == [
        ("payment", -700, "customer"),
        ("refund", 1000, "customer"),
        ("payment", -10000, "customer"),
    ]
    assert testbed.transactions(testbed.stranger) == []


def test_a_providers_lines_add_up_to_the_balance(testbed: PaymentsTestbed) -> None:
    a_month_of_business(testbed)
    available, pending = testbed.balance()
    for kind, balance in (("available", available), ("pending", pending)):
        sums: dict[str, int] = {}
        for line in testbed.transactions(testbed.provider):
            money = line[kind]
            sums[money["currency"]] = sums.get(money["currency"], 0) + money["amount"]
        assert sums == balance


def test_transactions_come_page_by_page(testbed: PaymentsTestbed) -> None:
    a_month_of_business(testbed)
    everything = testbed.transactions(testbed.provider)
    found: list[Json] = []
    cursor = None
    while len(found) < len(everything):
        page = testbed.payments.call_as(testbed.provider, contract.LIST_TRANSACTIONS, limit=2, cursor=cursor)
        found += page["data"]
        cursor = page["next_cursor"]
    assert (found, cursor) == (everything, None)
    page = testbed.payments.call_as(testbed.provider, contract.LIST_TRANSACTIONS, limit=1)
    with pytest.raises(BadQuery):
        testbed.payments.call_as(testbed.customer, contract.LIST_TRANSACTIONS, cursor=page["next_cursor"])


def test_a_statement_adds_up_in_every_currency(testbed: PaymentsTestbed) -> None:
    a_month_of_business(testbed)
    month = statement(testbed, THIS_MONTH)
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


def test_the_next_month_opens_with_what_this_one_closed(testbed: PaymentsTestbed) -> None:
    a_month_of_business(testbed)
    _, after = bounds_of(THIS_MONTH)
    totals = statement(testbed, after.strftime("%Y-%m"))["totals"]
    assert [(t["currency"], t["opening"], t["closing"]) for t in totals] == [
        ("EUR", 3100, 3100),
        ("JPY", 630, 630),
    ]
    assert statement(testbed, "2020-01")["totals"] == []


def test_a_statement_lists_so_many_lines_but_counts_all(
    testbed: PaymentsTestbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_month_of_business(testbed)
    whole = statement(testbed, THIS_MONTH)
    assert (len(whole["lines"]), whole["lines_left_out"]) == (4, 0)
    monkeypatch.setattr("services.payments.ledger.statements.MAX_STATEMENT_LINES", 3)
    cut = statement(testbed, THIS_MONTH)
    assert (cut["lines"], cut["lines_left_out"]) == (whole["lines"][:3], 1)
    assert cut["totals"] == whole["totals"]


def test_a_month_is_a_month() -> None:
    assert bounds_of("2026-12") == (datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize("month", ["2026-13", "2026-00", "26-01", "2026-1", "2026-11\n", "1999-11"])
def test_what_is_no_month_is_refused(testbed: PaymentsTestbed, month: str) -> None:
    with pytest.raises(Invalid):
        testbed.payments.call_as(testbed.provider, contract.GET_STATEMENT, month=month)
