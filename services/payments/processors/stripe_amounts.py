"""Stripe uses other minor units than ISO 4217 for some currencies.

https://docs.stripe.com/currencies: zero-decimal currencies are sent as whole units, ISK and UGX
with two decimals that must be 00, and the third decimal of three-decimal ones must be 0.
"""

import iso4217

ZERO_DECIMAL = frozenset(
    ["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"]
)  # fmt: skip
TWO_DECIMAL_DESPITE_ISO = frozenset(("ISK", "UGX"))
THREE_DECIMAL = 3


class UnsupportedAmount(Exception):
    """Stripe does not support this amount of this currency."""


def to_stripe(amount_minor: int, currency: str) -> int:
    """An amount in ISO minor units as an amount of Stripe.

    Raises: UnsupportedAmount.
    """
    iso, stripe = _decimals(currency)
    if iso == THREE_DECIMAL and amount_minor % 10:
        raise UnsupportedAmount(f"Stripe supports {currency} in steps of 10 only.")
    if stripe >= iso:
        return int(amount_minor * 10 ** (stripe - iso))
    amount, rest = divmod(amount_minor, int(10 ** (iso - stripe)))
    if rest:
        raise UnsupportedAmount(f"Stripe supports whole {currency} only.")
    return amount


def from_stripe(amount: int, currency: str) -> int:
    """An amount of Stripe in ISO minor units."""
    iso, stripe = _decimals(currency)
    if iso >= stripe:
        return int(amount * 10 ** (iso - stripe))
    return int(amount // 10 ** (stripe - iso))


def _decimals(currency: str) -> tuple[int, int]:
    iso = iso4217.Currency(currency).exponent or 0
    if currency in ZERO_DECIMAL:
        return iso, 0
    return iso, 2 if currency in TWO_DECIMAL_DESPITE_ISO else iso
