"""Amounts with the decimals of their currency, however many those are."""

import pytest

from kit.localization.money import format_money
from website.forms import money


@pytest.mark.parametrize(
    ("typed", "currency", "minor"),
    [
        ("45", "EUR", 4500),
        ("45.5", "EUR", 4550),
        ("45,50", "EUR", 4550),
        (" 0.01 ", "EUR", 1),
        ("4500", "JPY", 4500),
        ("1.25", "KWD", 1250),
        ("1.250", "KWD", 1250),
        ("10000000000", "EUR", 10**12),
    ],
)
def test_what_is_typed_is_read_in_minor_units(typed: str, currency: str, minor: int) -> None:
    assert money.read_money(typed, currency) == {"amount": minor, "currency": currency}


@pytest.mark.parametrize(
    ("typed", "currency", "why"),
    [
        ("45.505", "EUR", "EUR has 2 decimals at most."),
        ("45.5", "JPY", "JPY has no decimals."),
        ("1.2505", "KWD", "KWD has 3 decimals at most."),
        ("0", "EUR", "from 0.01 to 10,000,000,000.00 EUR"),
        ("10000000000.01", "EUR", "from 0.01 to 10,000,000,000.00 EUR"),
        ("0", "JPY", "from 1 to 1,000,000,000,000 JPY"),
        ("1,000.00", "EUR", "Write an amount"),
        ("-5", "EUR", "Write an amount"),
        ("1e3", "EUR", "Write an amount"),
        ("٤٥", "EUR", "Write an amount"),
        ("", "EUR", "Write an amount"),
        ("45", "XXX", "Choose a currency"),
        ("45", "", "Choose a currency"),
    ],
)
def test_what_is_no_amount_is_refused_in_words(typed: str, currency: str, why: str) -> None:
    with pytest.raises(money.NoAmount, match=why):
        money.read_money(typed, currency)


@pytest.mark.parametrize(
    ("minor", "currency", "shown", "field"),
    [
        (4500, "EUR", "€45.00", "45.00"),
        (4500, "JPY", "¥4,500", "4500"),
        (1250, "KWD", "KWD\xa01.250", "1.250"),
    ],
)
def test_an_amount_is_written_and_read_back_the_same(
    minor: int, currency: str, shown: str, field: str
) -> None:
    amount = {"amount": minor, "currency": currency}
    assert format_money(amount, "en") == shown
    assert money.plain_amount(amount) == field
    assert money.read_money(field, currency) == amount


def test_currencies_have_names_and_the_usual_ones_come_first() -> None:
    choices = money.currency_choices("")
    assert choices[0] == ("EUR", "EUR, Euro")
    assert [code for code, _ in choices[:10]] == list(money.USUAL_CURRENCIES)
    codes = [code for code, _ in choices]
    assert len(set(codes)) == len(codes) and {"KWD", "BHD", "VND"} < set(codes)
    assert not {"BOV", "CLF", "UYI", "XAD"} & set(codes), "nobody pays with these"
    assert ("CLF", "CLF, Chilean Unit of Account (UF)") in money.currency_choices("CLF"), (
        "but for old services"
    )
