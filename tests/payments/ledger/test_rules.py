"""The rules of money: fees and refunds are exact, movements balance."""

from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.payments.ledger import rules as ledger
from services.payments.ledger.rules import Entry, Movement, Paid, Parties, Split, Unbalanced

AMOUNTS = st.one_of(st.integers(1, 200), st.integers(1, 10**12))
FEES = st.one_of(st.sampled_from([0, 1, 333, 1000, 5000, 9999, 10_000]), st.integers(0, 10_000))
PARTIES = Parties("customer", "provider", "EUR")
NOTHING = Split(0, 0)


@pytest.mark.parametrize(
    ("amount", "fee"), [(5, 0), (15, 2), (25, 2), (35, 4), (1, 0), (4500, 450), (10**12, 10**11)]
)
def test_the_fee_is_rounded_half_even(amount: int, fee: int) -> None:
    assert ledger.split_payment(amount, 1000) == Split(fee, amount - fee)


@given(AMOUNTS, FEES)
def test_fee_and_share_always_are_what_was_paid(amount: int, basis_points: int) -> None:
    split = ledger.split_payment(amount, basis_points)
    exact = (Decimal(amount) * basis_points / 10_000).quantize(Decimal(1), ROUND_HALF_EVEN)
    assert split.fee_minor == int(exact)
    assert split.amount_minor == amount
    assert 0 <= split.fee_minor <= amount


@given(AMOUNTS, FEES, st.lists(st.integers(1, 10**12), max_size=8))
def test_however_a_payment_is_refunded_in_parts_everything_goes_back_exactly(
    amount: int, basis_points: int, requests: list[int]
) -> None:
    paid = Paid(ledger.split_payment(amount, basis_points), NOTHING)
    for request in [*requests, amount]:
        part = min(request % amount + 1, paid.left_minor)
        if part == 0:
            continue
        given_back = ledger.split_refund(paid, part)
        assert given_back.amount_minor == part
        assert given_back.fee_minor >= 0 and given_back.share_minor >= 0
        refunded = Split(
            paid.refunded.fee_minor + given_back.fee_minor,
            paid.refunded.share_minor + given_back.share_minor,
        )
        paid = Paid(paid.split, refunded)
    if paid.left_minor:
        last = ledger.split_refund(paid, paid.left_minor)
        refunded = Split(
            paid.refunded.fee_minor + last.fee_minor, paid.refunded.share_minor + last.share_minor
        )
        paid = Paid(paid.split, refunded)
    assert paid.refunded == paid.split


def test_the_last_part_takes_what_rounding_left_over() -> None:
    paid = Paid(Split(1, 9), NOTHING)
    fees = []
    for _ in range(10):
        part = ledger.split_refund(paid, 1)
        fees.append(part.fee_minor)
        paid = Paid(
            paid.split,
            Split(paid.refunded.fee_minor + part.fee_minor, paid.refunded.share_minor + part.share_minor),
        )
    assert fees == [0, 0, 0, 0, 0, 1, 0, 0, 0, 0]
    assert paid.left_minor == 0


@given(AMOUNTS, FEES)
def test_every_movement_sums_to_zero(amount: int, basis_points: int) -> None:
    split = ledger.split_payment(amount, basis_points)
    movements = [
        ledger.capture(PARTIES, split),
        ledger.refund(PARTIES, split, released=False),
        ledger.refund(PARTIES, split, released=True),
        ledger.payout("provider", amount, "EUR"),
        ledger.payout_return("provider", amount, "EUR"),
    ]
    if split.share_minor:
        movements.append(ledger.release(PARTIES, split.share_minor))
    for movement in movements:
        assert ledger.sums(movement.entries) == {"EUR": 0}
        assert all(entry.amount_minor for entry in movement.entries)
        assert len({entry.account for entry in movement.entries}) == len(movement.entries)


def test_what_does_not_balance_is_no_movement() -> None:
    euros = Entry("customer_funds", "c", -1, "EUR")
    for other in (
        Entry("platform_fee", None, 2, "EUR"),
        Entry("platform_fee", None, 1, "USD"),
    ):
        with pytest.raises(Unbalanced):
            Movement("capture", (euros, other))
    for entries in ((), (Entry("customer_funds", "c", 0, "EUR"),)):
        with pytest.raises(Unbalanced):
            Movement("capture", entries)


@given(st.integers(0, 10**16), st.integers(1, 10**13))
def test_half_even_is_half_even(numerator: int, denominator: int) -> None:
    whole, rest = divmod(numerator, denominator)
    rounded = ledger.half_even(numerator, denominator)
    assert rounded in (whole, whole + 1)
    assert abs(2 * (numerator - rounded * denominator)) <= denominator
    if 2 * rest == denominator:
        assert rounded % 2 == 0
