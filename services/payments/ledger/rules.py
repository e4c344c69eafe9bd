"""The rules of money, pure: fees, refunds, and the balanced movements of the ledger.

Every amount is an integer in minor units, so 1 is a cent of EUR, a whole JPY, a thousandth of a
KWD. Nothing here is ever divided into a fraction.

The fee is rounded half-even, once, when the payment begins; the provider's share is the rest, so
the two always add up to what was paid.

A refund gives back the platform's fee in proportion: after refunds of T in total of an amount A
with the fee F, half-even F·T/A of the fee has been given back, and the provider gave the rest.
Each refund takes the difference to what the refunds before it took. So the last part takes what
rounding left over, and refunds in many parts gain nothing.

Entries are signed: money enters the ledger as a negative entry of the customer's funds (the
processor collected it for us) and sits as positive entries where it belongs.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Account = Literal["customer_funds", "provider_pending", "provider_available", "platform_fee", "payouts"]
Kind = Literal["capture", "release", "refund", "payout", "payout_return"]

ACCOUNTS: tuple[Account, ...] = (
    "customer_funds", "provider_pending", "provider_available", "platform_fee", "payouts",
)  # fmt: skip
KINDS: tuple[Kind, ...] = ("capture", "release", "refund", "payout", "payout_return")
BASIS_POINTS = 10_000


class Unbalanced(Exception):
    """A movement whose entries do not sum to zero: a programming error, never recorded."""


@dataclass(frozen=True)
class Entry:
    """One line of a movement; `owner_id` is the account of a person, None for the platform's own."""

    account: Account
    owner_id: str | None
    amount_minor: int
    currency: str


@dataclass(frozen=True)
class Movement:
    """Money that moves: at least two entries, zero in sum for each currency.

    Raises: Unbalanced.
    """

    kind: Kind
    entries: tuple[Entry, ...]

    def __post_init__(self) -> None:
        if len(self.entries) < 2 or any(sums(self.entries).values()):
            raise Unbalanced(self.kind)


@dataclass(frozen=True)
class Parties:
    """Whose money it is, and in which currency."""

    customer_id: str
    provider_id: str
    currency: str


@dataclass(frozen=True)
class Split:
    """An amount as the platform's and the provider's part of it."""

    fee_minor: int
    share_minor: int

    @property
    def amount_minor(self) -> int:
        """Both together."""
        return self.fee_minor + self.share_minor


@dataclass(frozen=True)
class Paid:
    """A captured payment and what was refunded of it so far."""

    split: Split
    refunded: Split

    @property
    def left_minor(self) -> int:
        """What can still be refunded."""
        return self.split.amount_minor - self.refunded.amount_minor


def half_even(numerator: int, denominator: int) -> int:
    """The quotient of two integers, not negative, rounded half to even."""
    whole, rest = divmod(numerator, denominator)
    return whole + (2 * rest > denominator or (2 * rest == denominator and whole % 2 == 1))


def split_payment(amount_minor: int, fee_basis_points: int) -> Split:
    """The platform's fee of an amount, and the provider's share: the rest."""
    fee = half_even(amount_minor * fee_basis_points, BASIS_POINTS)
    return Split(fee, amount_minor - fee)


def split_refund(paid: Paid, amount_minor: int) -> Split:
    """Who gives how much of a refund back; the amount must not be more than what is left."""
    total = paid.refunded.amount_minor + amount_minor
    fee = half_even(paid.split.fee_minor * total, paid.split.amount_minor) - paid.refunded.fee_minor
    return Split(fee, amount_minor - fee)


def capture(parties: Parties, split: Split) -> Movement:
    """The customer paid: the share is pending, the fee is the platform's."""
    return _movement(
        "capture",
        parties.currency,
        ("customer_funds", parties.customer_id, -split.amount_minor),
        ("provider_pending", parties.provider_id, split.share_minor),
        ("platform_fee", None, split.fee_minor),
    )


def refund(parties: Parties, split: Split, released: bool) -> Movement:
    """The customer got money back, from wherever the provider's share is now."""
    source: Account = "provider_available" if released else "provider_pending"
    return _movement(
        "refund",
        parties.currency,
        ("customer_funds", parties.customer_id, split.amount_minor),
        (source, parties.provider_id, -split.share_minor),
        ("platform_fee", None, -split.fee_minor),
    )


def release(parties: Parties, share_minor: int) -> Movement:
    """What is left of a share becomes available."""
    return _movement(
        "release",
        parties.currency,
        ("provider_pending", parties.provider_id, -share_minor),
        ("provider_available", parties.provider_id, share_minor),
    )


def payout(provider_id: str, amount_minor: int, currency: str) -> Movement:
    """Available money leaves for the provider's bank."""
    return _movement(
        "payout",
        currency,
        ("provider_available", provider_id, -amount_minor),
        ("payouts", provider_id, amount_minor),
    )


def payout_return(provider_id: str, amount_minor: int, currency: str) -> Movement:
    """A payout that failed is available again."""
    return _movement(
        "payout_return",
        currency,
        ("payouts", provider_id, -amount_minor),
        ("provider_available", provider_id, amount_minor),
    )


def sums(entries: Iterable[Entry]) -> Counter[str]:
    """The sum of entries for each currency."""
    found: Counter[str] = Counter()
    for entry in entries:
        found[entry.currency] += entry.amount_minor
    return found


def _movement(kind: Kind, currency: str, *lines: tuple[Account, str | None, int]) -> Movement:
    # A fee or share of zero has no entry.
    entries = (Entry(account, owner, amount, currency) for account, owner, amount in lines if amount)
    return Movement(kind, tuple(entries))
