"""Amounts as Stripe counts them."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kit.validation import CURRENCIES
from services.payments.processors.stripe_amounts import UnsupportedAmount, from_stripe, to_stripe


@pytest.mark.parametrize(
    ("amount", "currency", "sent"),
    [
        (4500, "EUR", 4500),
        (500, "JPY", 500),
        (500, "ISK", 50_000),
        (500, "UGX", 50_000),
        (1230, "KWD", 1230),
        (10**12, "KWD", 10**12),
        (700, "MGA", 7),
    ],
)
def test_amounts_are_sent_in_stripes_units(amount: int, currency: str, sent: int) -> None:
    assert to_stripe(amount, currency) == sent
    assert from_stripe(sent, currency) == amount


@pytest.mark.parametrize(("amount", "currency"), [(1234, "KWD"), (5, "BHD"), (701, "MGA")])
def test_what_stripe_cannot_take_is_refused(amount: int, currency: str) -> None:
    with pytest.raises(UnsupportedAmount):
        to_stripe(amount, currency)


@given(st.integers(1, 10**12), st.sampled_from(CURRENCIES))
def test_what_is_sent_comes_back(amount: int, currency: str) -> None:
    try:
        sent = to_stripe(amount, currency)
    except UnsupportedAmount:
        assume(False)
    assert from_stripe(sent, currency) == amount
