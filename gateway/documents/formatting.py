"""Amounts and times as people of a locale write them."""

import copy
import functools
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import iso4217
from babel import Locale
from babel.dates import format_date, format_datetime, format_skeleton

CACHED_CURRENCIES = 512  # more than there are


@functools.lru_cache(CACHED_CURRENCIES)
def decimals_of(currency: str) -> int:
    """How many decimals the minor unit of a currency stands for (ISO 4217)."""
    return int(iso4217.Currency(currency).exponent or 0)


class Words:
    """Writes for one locale. Times are in UTC."""

    def __init__(self, locale: Locale) -> None:
        self._locale = locale

    def money(self, amount: Mapping[str, Any]) -> str:
        """An amount of minor units, with as many decimals as ISO 4217 gives its currency.

        Babel alone would round some currencies to what is usual in shops.
        """
        currency = amount["currency"]
        decimals = decimals_of(currency)
        pattern = copy.copy(self._locale.currency_formats["standard"])
        pattern.frac_prec = (decimals, decimals)
        value = Decimal(amount["amount"]).scaleb(-decimals)
        written: str = pattern.apply(value, self._locale, currency=currency, currency_digits=False)
        return written

    def moment(self, timestamp: str) -> str:
        """A time of day on a date."""
        written: str = format_datetime(_parsed(timestamp), "medium", tzinfo=UTC, locale=self._locale)
        return f"{written} UTC"

    def day(self, timestamp: str) -> str:
        """A date."""
        written: str = format_date(_parsed(timestamp).date(), "medium", locale=self._locale)
        return written

    def month(self, month: str) -> str:
        """A month given as `2026-11`."""
        first = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
        written: str = format_skeleton("yMMMM", first, tzinfo=UTC, locale=self._locale)
        return written


def _parsed(timestamp: str) -> datetime:
    return datetime.fromisoformat(timestamp).astimezone(UTC)
