"""Amounts as people read them, the same on the site, in documents and in mails."""

import copy
import functools
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import iso4217

from kit.localization.locales import locale_of

CACHED_CURRENCIES = 512  # more than there are
_TOUCHING = re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")  # CLDR: KWD 1.250, but €45.00


@functools.lru_cache(CACHED_CURRENCIES)
def decimals_of(currency: str) -> int:
    """How many decimals the minor unit of a currency stands for (ISO 4217)."""
    return int(iso4217.Currency(currency).exponent or 0)


def format_money(money: Mapping[str, Any], tag: str) -> str:
    """An amount of minor units for readers of a language: €45.00, ¥4,500, KWD 1.250.

    It has as many decimals as ISO 4217 gives its currency; Babel alone would round some to what is usual in
    shops.
    """
    decimals = decimals_of(money["currency"])
    locale = locale_of(tag)
    pattern = copy.copy(locale.currency_formats["standard"])
    pattern.frac_prec = (decimals, decimals)
    value = Decimal(money["amount"]).scaleb(-decimals)
    written: str = pattern.apply(value, locale, currency=money["currency"], currency_digits=False)
    return _TOUCHING.sub("\xa0", written)
