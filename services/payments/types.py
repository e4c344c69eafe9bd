"""The types of the payments service's answers and events.

Generated from contract.py by `make types`; do not edit.
"""

from typing import TypedDict

from kit.types import EventEnvelope, Money, Party


class PaidService(TypedDict):
    """The service as it was called when the order was submitted."""

    id: str
    title: str


class SignedMoney(TypedDict):
    """An amount in minor units that may be zero or negative."""

    amount: int
    currency: str


class Refund(TypedDict):
    """Money refunded. `fee` and `provider_share` are the platform's and the provider's part of it;
    their sum is `amount`. `processing` until the processor has confirmed it."""

    id: str
    payment_id: str
    order_id: str
    amount: Money
    fee: SignedMoney
    provider_share: SignedMoney
    reason: str
    status: str
    created_at: str
    updated_at: str


class Payment(TypedDict):
    """One attempt to pay an order.

    `fee` + `provider_share` is `amount`. `action_url` is where the customer has to go while the
    status is `requires_action`: an absolute URL at Stripe, a path of this API at the sandbox
    (`/v1/sandbox/actions/{token}`); null for everybody else, who could confirm in their name.
    `failure` is the processor's stable reason of a failed one. The provider's share is available
    from `available_at`. `refunded` is the sum of the refunds that the processor confirmed;
    `refundable` is what is neither refunded nor being refunded. A payment that requires an action is
    cancelled at `action_expires_at`. `available_actions` is what the caller can do about it now.
    `version` grows with every change.
    """

    id: str
    order_id: str
    order_number: str
    service: PaidService
    customer: Party
    provider: Party
    amount: Money
    fee: SignedMoney
    provider_share: SignedMoney
    refunded: SignedMoney
    refundable: SignedMoney
    status: str
    processor: str
    method: str
    action_url: str | None
    action_expires_at: str | None
    failure: str | None
    refunds: list[Refund]
    created_at: str
    updated_at: str
    paid_at: str | None
    available_at: str | None
    available_actions: list[str]
    version: int


class Receivable(TypedDict):
    """What a completed order owes, and until when it is to be paid.

    `available_actions` is what the caller can do about it now. `version` grows with every change; it is
    the `payment_version` of `payment_changed`.
    """

    order_id: str
    order_number: str
    amount: Money
    payment_status: str
    due_at: str
    available_actions: list[str]
    version: int


class Balance(TypedDict):
    """A provider's money, one entry per currency ever earned. `available` may be negative after a
    refund of what was paid out; later earnings fill it.

    `payable` is what can be paid out now: what is available less what refunds in progress need. It has
    the currencies of which there is something; the smallest payout is one minor unit.
    """

    available: list[SignedMoney]
    pending: list[SignedMoney]
    payable: list[Money]


class Transaction(TypedDict):
    """One movement of the ledger as the caller sees it.

    As a customer (`role`): `payment` (negative `amount`) and `refund`. As a provider: `earning`,
    `refund` (negative), `payout` (negative), `payout_returned`, and `release`, which moves money
    from `pending` to `available` and has an `amount` of 0. For providers `amount` is the sum of
    the changes of `pending` and `available`; for customers those two are 0.
    """

    id: str
    type: str
    role: str
    amount: SignedMoney
    pending: SignedMoney
    available: SignedMoney
    order_id: str | None
    order_number: str | None
    service_title: str | None
    payment_id: str | None
    payout_id: str | None
    created_at: str


class Payout(TypedDict):
    """Money on its way to a provider. The amount of a failed one is in the balance again."""

    id: str
    provider: Party
    amount: Money
    status: str
    failure: str | None
    created_at: str
    updated_at: str
    version: int


class StatementTotal(TypedDict):
    """One currency of a statement, in minor units: `opening + gross - fees - refunded - paid_out`
    is `closing`.

    `gross` is what customers paid, `fees` the platform's part of it, less what it gave up in refunds;
    `refunded` what customers got back; `paid_out` payouts less returned ones. `opening` and
    `closing` count pending and available money together.
    """

    currency: str
    opening: int
    gross: int
    fees: int
    refunded: int
    paid_out: int
    closing: int


class Statement(TypedDict):
    """The caller's month as a provider; lines are oldest first, releases left out. A month has at most
    1,000 lines; `lines_left_out` says how many more there were, which the totals count and
    `GET /v1/me/transactions` lists."""

    month: str
    provider: Party
    totals: list[StatementTotal]
    lines: list[Transaction]
    lines_left_out: int


class SandboxAction(TypedDict):
    """What the sandbox's page shows: the amount, and whether it is waiting for an answer."""

    amount: Money
    status: str
    order_id: str


class PaymentChangedFields(TypedDict):
    """The members of `PaymentChanged` besides the envelope's."""

    order_id: str
    number: str
    customer: Party
    provider: Party
    service: PaidService
    amount: Money
    change: str
    payment_status: str
    payment_version: int
    payment_id: str | None
    due_at: str
    refund: Money | None
    day: int | None


class PaymentChanged(PaymentChangedFields, EventEnvelope):
    """What is owed for an order, or how that changed. Apply its state only when `payment_version`,
    which counts per order, is larger than the one known.

    `change` says what happened, `payment_status` what the order shows from now on. `payment_id` is
    null before the first payment. `refund` is the amount of this refund, for `refunded` only;
    `day` counts the days since it fell due, for `reminded` only.
    """


class PayoutChangedFields(TypedDict):
    """The members of `PayoutChanged` besides the envelope's."""

    payout_id: str
    provider: Party
    amount: Money
    status: str
    payout_version: int


class PayoutChanged(PayoutChangedFields, EventEnvelope):
    """A payout was requested, arrived or failed; apply it only if `payout_version` is larger."""
