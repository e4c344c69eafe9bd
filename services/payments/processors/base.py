"""The interface of payment processors: what payments requests of them, and what they may answer.

Every request carries an idempotency key made from the id of a row that was committed before. A processor
does nothing for a key it has seen and returns the current state, so after a crash or a lost answer the
same request is sent again.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

ChargeState = Literal["pending", "requires_action", "captured", "declined", "cancelled"]
TransferState = Literal["pending", "done", "refused"]
SubjectKind = Literal["payment", "refund", "payout"]


class OutcomeUnknown(Exception):
    """The processor did not say whether it happened; request it again later."""


@dataclass(frozen=True)
class ChargeRequest:
    """A request to charge the customer."""

    payment_id: str
    order_id: str
    description: str
    amount_minor: int
    currency: str
    method: str
    requested_at: datetime

    @property
    def key(self) -> str:
        """The processor's idempotency key."""
        return f"payment-{self.payment_id}"


@dataclass(frozen=True)
class RefundRequest:
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
class PayoutRequest:
    """Send this amount to a provider's bank."""

    payout_id: str
    provider_id: str
    amount_minor: int
    currency: str
    requested_at: datetime

    @property
    def key(self) -> str:
        """The processor's idempotency key."""
        return f"payout-{self.payout_id}"


@dataclass(frozen=True)
class Charge:
    """The current state of a charge. `reference` is the processor's own id of it."""

    state: ChargeState
    reference: str | None = None
    action_url: str | None = None
    failure: str | None = None


@dataclass(frozen=True)
class Transfer:
    """The current state of a refund or payout."""

    state: TransferState
    reference: str | None = None
    failure: str | None = None


@dataclass(frozen=True)
class ChargeRecord:
    """What a processor's own books say about one charge, in minor units."""

    captured_minor: int
    refunded_minor: int


@dataclass(frozen=True)
class WebhookEvent:
    """A processor's notice that something about one payment, refund or payout has changed."""

    event_id: str
    kind: SubjectKind
    subject_id: str


class Processor(Protocol):
    """One payment processor. Every method raises OutcomeUnknown when the processor does not answer."""

    @property
    def name(self) -> str:
        """The name in PAYMENT_PROCESSOR."""

    def check_method(self, method: str, amount_minor: int, currency: str) -> None:
        """Raises: Invalid for an unknown method, or an amount that it does not support."""

    def charge(self, request: ChargeRequest) -> Charge:
        """Charges once for each key."""

    def look_up(self, request: ChargeRequest, reference: str) -> Charge:
        """Returns the current state of a charge."""

    def cancel(self, request: ChargeRequest, reference: str | None) -> Charge:
        """Makes sure that an unfinished charge never captures; returns its current state."""

    def refund(self, request: RefundRequest, repeated: bool) -> Transfer:
        """Refunds once for each key; `repeated` says that it may have been requested before."""

    def pay_out(self, request: PayoutRequest, repeated: bool) -> Transfer:
        """Pays out once for each key; `repeated` says that it may have been requested before."""

    def parse_webhook(self, payload: str, signature: str) -> WebhookEvent | None:
        """Returns what a webhook is about; None when it names no payment, refund or payout.

        Raises: Unauthenticated for a forged one; NotFound for a processor without webhooks.
        """

    def record_of(self, request: ChargeRequest, reference: str | None) -> ChargeRecord:
        """Returns what the processor's books say about a charge; zeros for an unknown one."""
