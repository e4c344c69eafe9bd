"""Stripe counts some currencies in other units than ISO 4217 does.

https://docs.stripe.com/currencies: zero-decimal currencies are sent as whole units, ISK and UGX
with two decimals that must be 00, and the third decimal of three-decimal ones must be 0.
"""

import iso4217

ZERO_DECIMAL = frozenset(
    ["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"]
)  # fmt: skip
TWO_DECIMAL_DESPITE_ISO = frozenset(("ISK", "UGX"))
THREE_DECIMAL = 3


class NotAtStripe(Exception):
    """Stripe cannot take this amount of this currency."""


def to_stripe(amount_minor: int, currency: str) -> int:
    """An amount in ISO minor units as Stripe counts it.

    Raises: NotAtStripe.
    """
    ours, theirs = _decimals(currency)
    if ours == THREE_DECIMAL and amount_minor % 10:
        raise NotAtStripe(f"Stripe takes {currency} in steps of 10.")
    if theirs >= ours:
        return int(amount_minor * 10 ** (theirs - ours))
    amount, rest = divmod(amount_minor, int(10 ** (ours - theirs)))
    if rest:
        raise NotAtStripe(f"Stripe takes whole {currency} only.")
    return amount


def from_stripe(amount: int, currency: str) -> int:
    """The other way round."""
    ours, theirs = _decimals(currency)
    if ours >= theirs:
        return int(amount * 10 ** (ours - theirs))
    return int(amount // 10 ** (theirs - ours))


def _decimals(currency: str) -> tuple[int, int]:
    ours = iso4217.Currency(currency).exponent or 0
    if currency in ZERO_DECIMAL:
        return ours, 0
    return ours, 2 if currency in TWO_DECIMAL_DESPITE_ISO else ours
