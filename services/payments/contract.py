"""The face of the payments service: its RPC methods, its answers and its events.

Amounts are integers in minor units. Money that may be zero or negative (fees, balances, lines of
an account) is `SignedMoney`; what people send is `Money`, from 1 to 10^12.
"""

from enum import StrEnum

from marshmallow import Schema, fields, validate

from kit.contracts import EVERY, Event, EventSchema, Rpc
from kit.validation import (
    CURRENCIES,
    Id,
    Money,
    PageArguments,
    Party,
    StrictInteger,
    Text,
    Timestamp,
    path_id,
    text,
)

MAX_REASON_CHARACTERS = 2000
MAX_METHOD_CHARACTERS = 100
MAX_WEBHOOK_CHARACTERS = 1024 * 1024
MAX_SIGNATURE_CHARACTERS = 8 * 1024
MAX_ACTION_TOKEN_CHARACTERS = 64
MAX_STATEMENT_LINES = 1000


class ReceivableStatus(StrEnum):
    """What an order shows as `payment_status` from the moment its payment falls due."""

    DUE = "due"
    PROCESSING = "processing"
    PAID = "paid"
    FAILED = "failed"
    REFUNDED = "refunded"
    PARTLY_REFUNDED = "partly_refunded"


class PaymentStatus(StrEnum):
    """The status of one payment."""

    PROCESSING = "processing"
    REQUIRES_ACTION = "requires_action"
    PAID = "paid"
    FAILED = "failed"
    REFUNDED = "refunded"
    PARTLY_REFUNDED = "partly_refunded"


class RefundStatus(StrEnum):
    """The status of a refund."""

    PROCESSING = "processing"
    REFUNDED = "refunded"
    FAILED = "failed"


class PayoutStatus(StrEnum):
    """The status of a payout."""

    PROCESSING = "processing"
    PAID = "paid"
    FAILED = "failed"


class PaymentChange(StrEnum):
    """What an event about a payment reports."""

    DUE = "due"
    REMINDED = "reminded"
    PROCESSING = "processing"
    PAID = "paid"
    FAILED = "failed"
    REFUNDED = "refunded"


class ReceivableAction(StrEnum):
    """What a caller can do about what an order owes: `pay` is `POST /v1/orders/{id}/payments`."""

    PAY = "pay"


class PaymentAction(StrEnum):
    """What a caller can do about one payment.

    `confirm`: go to `action_url`. `retry`: `POST /v1/orders/{id}/payments` once more. `refund`:
    `POST /v1/payments/{id}/refunds`.
    """

    CONFIRM = "confirm"
    RETRY = "retry"
    REFUND = "refund"


DUE_STATUSES: tuple[str, ...] = tuple(status.value for status in ReceivableStatus)
PAYMENT_STATUSES: tuple[str, ...] = tuple(status.value for status in PaymentStatus)
REFUND_STATUSES: tuple[str, ...] = tuple(status.value for status in RefundStatus)
PAYOUT_STATUSES: tuple[str, ...] = tuple(status.value for status in PayoutStatus)
PAYMENT_CHANGES: tuple[str, ...] = tuple(change.value for change in PaymentChange)
RECEIVABLE_ACTIONS: tuple[str, ...] = tuple(action.value for action in ReceivableAction)
PAYMENT_ACTIONS: tuple[str, ...] = tuple(action.value for action in PaymentAction)
TRANSACTION_TYPES: tuple[str, ...] = (
    "payment", "earning", "release", "refund", "payout", "payout_returned",
)  # fmt: skip


class SignedMoney(Schema):
    """An amount in minor units that may be zero or negative."""

    amount = StrictInteger(required=True)
    currency = Text(required=True, validate=validate.OneOf(CURRENCIES, error="Not a supported currency."))


# --- arguments --------------------------------------------------------------------------


class PayOrderBody(Schema):
    """Body of `POST /v1/orders/{id}/payments`.

    `sandbox_ok`, `sandbox_declined`, `sandbox_action`, `sandbox_timeout` and `sandbox_late` at the
    sandbox; `stripe_checkout` (hosted page) or the id of a payment method (`pm_…`) at Stripe.
    """

    method = Text(
        required=True,
        validate=[
            validate.Length(1, MAX_METHOD_CHARACTERS),
            validate.Regexp(r"[A-Za-z0-9_]+\Z", error="Must be the name of a method."),
        ],
    )


class PayOrderArguments(PayOrderBody):
    """A payment of one order. A malformed id in a path is not found."""

    order_id = path_id(required=True)


class ListPaymentsQuery(PageArguments):
    """Query string of `GET /v1/orders/{id}/payments`."""


class ListPaymentsArguments(ListPaymentsQuery):
    """The payments of one order, newest first: failed ones too."""

    order_id = path_id(required=True)


class GetReceivableArguments(Schema):
    """What one order owes."""

    order_id = path_id(required=True)


class GetPaymentArguments(Schema):
    """One payment."""

    payment_id = path_id(required=True)


class RefundPaymentBody(Schema):
    """Body of `POST /v1/payments/{id}/refunds`. Without `amount` everything that is left is refunded."""

    amount = fields.Nested(Money, load_default=None, allow_none=True)
    reason = text(1, MAX_REASON_CHARACTERS, required=True)


class RefundPaymentArguments(RefundPaymentBody):
    """A refund of one payment."""

    payment_id = path_id(required=True)


class ListTransactionsQuery(PageArguments):
    """Query string of `GET /v1/me/transactions`."""


class RequestPayoutBody(Schema):
    """Body of `POST /v1/me/payouts`."""

    amount = fields.Nested(Money, required=True)


class ListPayoutsQuery(PageArguments):
    """Query string of `GET /v1/me/payouts`."""


class StatementQuery(Schema):
    """Query string of `GET /v1/me/statements`: one month in UTC, `2026-11`."""

    month = Text(
        required=True,
        validate=[
            validate.Length(equal=7),
            validate.Regexp(r"2[0-9]{3}-(0[1-9]|1[0-2])\Z", error="Must be a month like 2026-11."),
        ],
    )


class NoArguments(Schema):
    """A method that needs nothing but its caller."""


class StripeWebhookArguments(Schema):
    """What Stripe posted, byte for byte as text, and its `Stripe-Signature` header."""

    payload = fields.String(required=True, validate=validate.Length(max=MAX_WEBHOOK_CHARACTERS))
    signature = fields.String(required=True, validate=validate.Length(max=MAX_SIGNATURE_CHARACTERS))


class SandboxActionArguments(Schema):
    """The last part of an `action_url` of the sandbox, which only the customer has."""

    token = Text(required=True, validate=validate.Length(max=MAX_ACTION_TOKEN_CHARACTERS))


class AnswerSandboxActionBody(Schema):
    """The customer's answer on the sandbox's page."""

    approve = fields.Boolean(required=True)


class AnswerSandboxActionArguments(AnswerSandboxActionBody):
    """The same, for one page."""

    token = Text(required=True, validate=validate.Length(max=MAX_ACTION_TOKEN_CHARACTERS))


# --- answers ---------------------------------------------------------------------------


class PaidService(Schema):
    """The service as it was called when the order was submitted."""

    id = Id(required=True)
    title = Text(required=True)


class Receivable(Schema):
    """What a completed order owes, and until when it is to be paid.

    `available_actions` is what the caller can do about it now. `version` grows with every change; it is
    the `payment_version` of `payment_changed`.
    """

    order_id = Id(required=True)
    order_number = Text(required=True)
    amount = fields.Nested(Money, required=True)
    payment_status = Text(required=True, validate=validate.OneOf(DUE_STATUSES))
    due_at = Timestamp(required=True)
    available_actions = fields.List(Text(validate=validate.OneOf(RECEIVABLE_ACTIONS)), required=True)
    version = StrictInteger(required=True)


class Refund(Schema):
    """Money refunded. `fee` and `provider_share` are the platform's and the provider's part of it;
    their sum is `amount`. `processing` until the processor has confirmed it."""

    id = Id(required=True)
    payment_id = Id(required=True)
    order_id = Id(required=True)
    amount = fields.Nested(Money, required=True)
    fee = fields.Nested(SignedMoney, required=True)
    provider_share = fields.Nested(SignedMoney, required=True)
    reason = Text(required=True)
    status = Text(required=True, validate=validate.OneOf(REFUND_STATUSES))
    created_at = Timestamp(required=True)
    updated_at = Timestamp(required=True)


class Payment(Schema):
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

    id = Id(required=True)
    order_id = Id(required=True)
    order_number = Text(required=True)
    service = fields.Nested(PaidService, required=True)
    customer = fields.Nested(Party, required=True)
    provider = fields.Nested(Party, required=True)
    amount = fields.Nested(Money, required=True)
    fee = fields.Nested(SignedMoney, required=True)
    provider_share = fields.Nested(SignedMoney, required=True)
    refunded = fields.Nested(SignedMoney, required=True)
    refundable = fields.Nested(SignedMoney, required=True)
    status = Text(required=True, validate=validate.OneOf(PAYMENT_STATUSES))
    processor = Text(required=True)
    method = Text(required=True)
    action_url = Text(required=True, allow_none=True)
    action_expires_at = Timestamp(required=True, allow_none=True)
    failure = Text(required=True, allow_none=True)
    refunds = fields.List(fields.Nested(Refund), required=True)
    created_at = Timestamp(required=True)
    updated_at = Timestamp(required=True)
    paid_at = Timestamp(required=True, allow_none=True)
    available_at = Timestamp(required=True, allow_none=True)
    available_actions = fields.List(Text(validate=validate.OneOf(PAYMENT_ACTIONS)), required=True)
    version = StrictInteger(required=True)


class Balance(Schema):
    """A provider's money, one entry per currency ever earned. `available` may be negative after a
    refund of what was paid out; later earnings fill it.

    `payable` is what can be paid out now: what is available less what refunds in progress need. It has
    the currencies of which there is something; the smallest payout is one minor unit.
    """

    available = fields.List(fields.Nested(SignedMoney), required=True)
    pending = fields.List(fields.Nested(SignedMoney), required=True)
    payable = fields.List(fields.Nested(Money), required=True)


class Transaction(Schema):
    """One movement of the ledger as the caller sees it.

    As a customer (`role`): `payment` (negative `amount`) and `refund`. As a provider: `earning`,
    `refund` (negative), `payout` (negative), `payout_returned`, and `release`, which moves money
    from `pending` to `available` and has an `amount` of 0. For providers `amount` is the sum of
    the changes of `pending` and `available`; for customers those two are 0.
    """

    id = Id(required=True)
    type = Text(required=True, validate=validate.OneOf(TRANSACTION_TYPES))
    role = Text(required=True, validate=validate.OneOf(("customer", "provider")))
    amount = fields.Nested(SignedMoney, required=True)
    pending = fields.Nested(SignedMoney, required=True)
    available = fields.Nested(SignedMoney, required=True)
    order_id = Id(required=True, allow_none=True)
    order_number = Text(required=True, allow_none=True)
    service_title = Text(required=True, allow_none=True)
    payment_id = Id(required=True, allow_none=True)
    payout_id = Id(required=True, allow_none=True)
    created_at = Timestamp(required=True)


class Payout(Schema):
    """Money on its way to a provider. The amount of a failed one is in the balance again."""

    id = Id(required=True)
    provider = fields.Nested(Party, required=True)
    amount = fields.Nested(Money, required=True)
    status = Text(required=True, validate=validate.OneOf(PAYOUT_STATUSES))
    failure = Text(required=True, allow_none=True)
    created_at = Timestamp(required=True)
    updated_at = Timestamp(required=True)
    version = StrictInteger(required=True)


class StatementTotal(Schema):
    """One currency of a statement, in minor units: `opening + gross - fees - refunded - paid_out`
    is `closing`.

    `gross` is what customers paid, `fees` the platform's part of it, less what it gave up in refunds;
    `refunded` what customers got back; `paid_out` payouts less returned ones. `opening` and
    `closing` count pending and available money together.
    """

    currency = Text(required=True)
    opening = StrictInteger(required=True)
    gross = StrictInteger(required=True)
    fees = StrictInteger(required=True)
    refunded = StrictInteger(required=True)
    paid_out = StrictInteger(required=True)
    closing = StrictInteger(required=True)


class Statement(Schema):
    """The caller's month as a provider; lines are oldest first, releases left out. A month has at most
    1,000 lines; `lines_left_out` says how many more there were, which the totals count and
    `GET /v1/me/transactions` lists."""

    month = Text(required=True)
    provider = fields.Nested(Party, required=True)
    totals = fields.List(fields.Nested(StatementTotal), required=True)
    lines = fields.List(fields.Nested(Transaction), required=True)
    lines_left_out = StrictInteger(required=True)


class SandboxAction(Schema):
    """What the sandbox's page shows: the amount, and whether it is waiting for an answer."""

    amount = fields.Nested(Money, required=True)
    status = Text(
        required=True, validate=validate.OneOf(("requires_action", "captured", "declined", "cancelled"))
    )
    order_id = Id(required=True)


PAY_ORDER = Rpc("payments", "pay_order", PayOrderArguments, Payment, mutates=True)
LIST_PAYMENTS = Rpc("payments", "list_payments", ListPaymentsArguments, Payment, paged=True)
GET_RECEIVABLE = Rpc("payments", "get_receivable", GetReceivableArguments, Receivable)
GET_PAYMENT = Rpc("payments", "get_payment", GetPaymentArguments, Payment)
REFUND_PAYMENT = Rpc("payments", "refund_payment", RefundPaymentArguments, Refund, mutates=True)
GET_BALANCE = Rpc("payments", "get_balance", NoArguments, Balance)
LIST_TRANSACTIONS = Rpc("payments", "list_transactions", ListTransactionsQuery, Transaction, paged=True)
REQUEST_PAYOUT = Rpc("payments", "request_payout", RequestPayoutBody, Payout, mutates=True)
LIST_PAYOUTS = Rpc("payments", "list_payouts", ListPayoutsQuery, Payout, paged=True)
GET_STATEMENT = Rpc("payments", "get_statement", StatementQuery, Statement)
TAKE_STRIPE_WEBHOOK = Rpc("payments", "take_stripe_webhook", StripeWebhookArguments, mutates=True)
GET_SANDBOX_ACTION = Rpc("payments", "get_sandbox_action", SandboxActionArguments, SandboxAction)
ANSWER_SANDBOX_ACTION = Rpc(
    "payments", "answer_sandbox_action", AnswerSandboxActionArguments, SandboxAction, mutates=True
)


# --- events --------------------------------------------------------------------------


class PaymentChanged(EventSchema):
    """What is owed for an order, or how that changed. Apply its state only when `payment_version`,
    which counts per order, is larger than the one known.

    `change` says what happened, `payment_status` what the order shows from now on. `payment_id` is
    null before the first payment. `refund` is the amount of this refund, for `refunded` only;
    `day` counts the days since it fell due, for `reminded` only.
    """

    order_id = Id(required=True)
    number = Text(required=True)
    customer = fields.Nested(Party, required=True)
    provider = fields.Nested(Party, required=True)
    service = fields.Nested(PaidService, required=True)
    amount = fields.Nested(Money, required=True)
    change = Text(required=True, validate=validate.OneOf(PAYMENT_CHANGES))
    payment_status = Text(required=True, validate=validate.OneOf(DUE_STATUSES))
    payment_version = StrictInteger(required=True)
    payment_id = Id(required=True, allow_none=True)
    due_at = Timestamp(required=True)
    refund = fields.Nested(Money, required=True, allow_none=True)
    day = StrictInteger(required=True, allow_none=True)


class PayoutChanged(EventSchema):
    """A payout was requested, arrived or failed; apply it only if `payout_version` is larger."""

    payout_id = Id(required=True)
    provider = fields.Nested(Party, required=True)
    amount = fields.Nested(Money, required=True)
    status = Text(required=True, validate=validate.OneOf(PAYOUT_STATUSES))
    payout_version = StrictInteger(required=True)


PAYMENT_CHANGED = Event(
    "payments",
    "payment_changed",
    PaymentChanged,
    outcome="payment_status",
    consumers={
        "orders": EVERY,
        "messaging": (
            ReceivableStatus.DUE,
            ReceivableStatus.PAID,
            ReceivableStatus.FAILED,
            ReceivableStatus.REFUNDED,
            ReceivableStatus.PARTLY_REFUNDED,
        ),
    },
    live=True,
)
PAYOUT_CHANGED = Event(
    "payments",
    "payout_changed",
    PayoutChanged,
    outcome="status",
    consumers={"messaging": (PayoutStatus.PAID, PayoutStatus.FAILED)},
    live=True,
)
