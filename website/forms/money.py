"""Typed amounts and the choice of currencies: minor units, never floats."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import iso4217
from babel import Locale
from babel.core import get_global

from client.resources import Money
from kit.localization.money import decimals_of
from kit.localization.translations import current_language, gettext, ngettext

USUAL_CURRENCIES = ("EUR", "USD", "GBP", "CHF", "JPY", "CAD", "AUD", "SEK", "PLN", "KWD")
CURRENCIES = tuple(sorted(c.code for c in iso4217.Currency if c.exponent is not None))
LARGEST_MINOR = 10**12
_TENDER = {
    code
    for history in get_global("territory_currencies").values()
    for code, _, ended, is_tender in history
    if is_tender and ended is None
}
_AMOUNT = re.compile(r"(?P<whole>[0-9]{1,13})(?:[.,](?P<part>[0-9]{1,4}))?", re.ASCII)


class NoAmount(ValueError):
    """The text is no amount of that currency; the message says why."""


def currency_choices(chosen: str) -> list[tuple[str, str]]:
    """Returns the currencies in use and the chosen one, with their names; the most common come first."""
    names = Locale.parse(current_language()).currencies
    others = [code for code in CURRENCIES if code in _TENDER or code == chosen]
    codes = (*USUAL_CURRENCIES, *(code for code in others if code not in USUAL_CURRENCIES))
    return [(code, f"{code}, {names[code]}" if code in names else code) for code in codes]


def plain_amount(money: Mapping[str, Any]) -> str:
    """Returns an amount as a form's field holds it: 45.00, 4500, 1.250."""
    decimals = decimals_of(money["currency"])
    return f"{Decimal(money['amount']).scaleb(-decimals):.{decimals}f}"


def read_money(text: str, currency: str) -> Money:
    """Returns a typed amount, with a point or a comma before its decimals.

    Raises: NoAmount.
    """
    if currency not in CURRENCIES:
        raise NoAmount(gettext("Choose a currency from the list."))
    found = _AMOUNT.fullmatch(text.strip())
    if found is None:
        raise NoAmount(gettext("Write an amount such as 45 or 45.50, without other signs."))
    decimals, part = decimals_of(currency), found["part"] or ""
    if len(part) > decimals:
        raise NoAmount(_decimals_in_words(currency, decimals))
    amount = int(found["whole"] + part.ljust(decimals, "0"))
    if not 1 <= amount <= LARGEST_MINOR:
        least, most = (f"{Decimal(limit).scaleb(-decimals):,.{decimals}f}" for limit in (1, LARGEST_MINOR))
        raise NoAmount(
            gettext("Write an amount from {least} to {most} {currency}.").format(
                least=least, most=most, currency=currency
            )
        )
    return {"amount": amount, "currency": currency}


def _decimals_in_words(currency: str, decimals: int) -> str:
    if decimals == 0:
        return gettext("{currency} has no decimals.").format(currency=currency)
    message = ngettext(
        "{currency} has one decimal at most.", "{currency} has {count} decimals at most.", decimals
    )
    return message.format(currency=currency, count=decimals)
