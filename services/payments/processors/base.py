"""What payments asks of a payment processor, and what it may answer.

Every wish has a key of ours, made from the id of the row that was committed before. A processor
that gets the same key again does nothing again and says what it did then, so after a crash or a
lost answer the wish is simply repeated.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

ChargeState = Literal["pending", "requires_action", "captured", "declined", "cancelled"]
TransferState = Literal["pending", "done", "refused"]


class NoAnswer(Exception):
    """Whether it happened is not known; ask again later."""


@dataclass(frozen=True)
class ChargeWish:
    """Take this amount from the customer."""

    payment_id: str
    order_id: str
    description: str
    amount_minor: int
    currency: str
    method: str
    wished_at: datetime

    @property
    def key(self) -> str:
        """The processor's idempotency key."""
        return f"payment-{self.payment_id}"


@dataclass(frozen=True)
class RefundWish:
    """Give this amount of a captured charge back."""

    refund_id: str
    payment_id: str
    charge_reference: str
    amount_minor: int
    currency: str

    @property
    def key(self) -> str:
        """The processor's idempotency key."""
        return f"refund-{self.refund_id}"


@dataclass(frozen=True)
class PayoutWish:
    """Send this amount to a provider's bank."""

    payout_id: str
    provider_id: str
    amount_minor: int
    currency: str
    wished_at: datetime

    @property
    def key(self) -> str:
        """The processor's idempotency key."""
        return f"payout-{self.payout_id}"


@dataclass(frozen=True)
class Charge:
    """What became of a charge. `reference` is the processor's own name for it."""

    state: ChargeState
    reference: str | None = None
    action_url: str | None = None
    failure: str | None = None


@dataclass(frozen=True)
class Transfer:
    """What became of a refund or payout."""

    state: TransferState
    reference: str | None = None
    failure: str | None = None


@dataclass(frozen=True)
class ChargeRecord:
    """What a processor's own books say of one charge, in minor units."""

    captured_minor: int
    refunded_minor: int


class Processor(Protocol):
    """One payment processor. Every method raises NoAnswer when it cannot tell."""

    @property
    def name(self) -> str:
        """As the setting has it."""

    def check_method(self, method: str, amount_minor: int, currency: str) -> None:
        """Raises: Invalid when there is no such method, or it cannot take that amount."""

    def charge(self, wish: ChargeWish) -> Charge:
        """Charges once for each key."""

    def look_up(self, wish: ChargeWish, reference: str) -> Charge:
        """What a charge is by now."""

    def cancel(self, wish: ChargeWish, reference: str | None) -> Charge:
        """Makes sure that an unfinished charge never captures; answers what it is now."""

    def refund(self, wish: RefundWish, repeated: bool) -> Transfer:
        """Refunds once for each key."""

    def pay_out(self, wish: PayoutWish, repeated: bool) -> Transfer:
        """Pays out once for each key."""

    def heard(self, payload: str, signature: str) -> tuple[str, str, str] | None:
        """A webhook's event id, and the kind and id of what it is about; None when it is not ours.

        Raises: Unauthenticated when it is not the processor's; NotFound when this one posts none.
        """

    def record_of(self, wish: ChargeWish, reference: str | None) -> ChargeRecord:
        """What the processor's books say of a charge; zeros when it never heard of it."""
