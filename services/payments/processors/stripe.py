"""Stripe by its official SDK: a hosted Checkout page, or a payment method that Stripe.js made.

Card numbers never reach this code. Each request carries our key as `Idempotency-Key`; Stripe stores keys
for a day at least, so older requests are searched by the metadata they were sent with. A card that requires
its holder's authentication is declined with `authentication_required`; on the hosted page Stripe handles it.

Payouts go to the platform's own bank account, with the provider's id in their metadata. Paying each
provider's own bank needs Stripe Connect: store each provider's connected account id, send a Transfer there
and make the Payout with that account in the request's options; both take the same idempotency keys.
"""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import stripe

from kit.errors import Invalid, Unauthenticated
from services.payments.processors.base import (
    Charge,
    ChargeRecord,
    ChargeRequest,
    OutcomeUnknown,
    PayoutRequest,
    RefundRequest,
    SubjectKind,
    Transfer,
    WebhookEvent,
)
from services.payments.processors.stripe_amounts import UnsupportedAmount, from_stripe, to_stripe
from services.payments.settings import PaymentSettings

Answer = TypeVar("Answer")
CHECKOUT = "stripe_checkout"
KEY_LIFETIME = timedelta(hours=20)
CLOCK_SKEW = timedelta(minutes=10)
WEBHOOK_AGE_SECONDS = 300
SUBJECTS: tuple[SubjectKind, ...] = ("refund", "payout", "payment")
PAGE_SIZE = 100


class StripeProcessor:
    """The processor `stripe`."""

    name = "stripe"

    def __init__(self, settings: PaymentSettings) -> None:
        self._settings = settings
        client = stripe.StripeClient(
            settings.stripe_secret_key,
            base_addresses={"api": settings.stripe_api_url},
            http_client=stripe.RequestsClient(timeout=settings.processor_timeout_seconds),
            max_network_retries=0,
        )
        self._api = client.v1

    def check_method(self, method: str, amount_minor: int, currency: str) -> None:
        """Raises: Invalid for an unknown method, or an amount that Stripe does not support."""
        if method != CHECKOUT and not method.startswith("pm_"):
            detail = f"Must be {CHECKOUT} or the id of a payment method (pm_…)."
            raise Invalid.field("method", "unknown_method", detail)
        try:
            to_stripe(amount_minor, currency)
        except UnsupportedAmount as error:
            raise Invalid.field("method", "amount_not_supported", str(error)) from error

    def charge(self, request: ChargeRequest) -> Charge:
        """Charges once for each key. Raises: OutcomeUnknown."""
        known = self._search(request) if datetime.now(UTC) - request.requested_at > KEY_LIFETIME else None
        if known is not None:
            return known
        if request.method == CHECKOUT:
            return _charge_of_session(_call(lambda: self._open_session(request)))
        try:
            return self._without_action(request, _call(lambda: self._create_intent(request)))
        except stripe.CardError as error:
            return Charge("declined", _intent_in(error), failure=_reason_of(error))
        except stripe.InvalidRequestError as error:
            return Charge("declined", failure=error.code or "invalid_request")

    def look_up(self, request: ChargeRequest, reference: str) -> Charge:
        """Returns the current state of a charge. Raises: OutcomeUnknown."""
        if reference.startswith("cs_"):
            return _charge_of_session(_call(lambda: self._api.checkout.sessions.retrieve(reference)))
        return self._without_action(request, _call(lambda: self._api.payment_intents.retrieve(reference)))

    def cancel(self, request: ChargeRequest, reference: str | None) -> Charge:
        """Expires the page or cancels the charge, unless it is too late. Raises: OutcomeUnknown."""
        found = self.charge(request) if reference is None else self.look_up(request, reference)
        if found.state not in ("pending", "requires_action") or found.reference is None:
            return found
        unfinished = found.reference
        try:
            if unfinished.startswith("cs_"):
                return _charge_of_session(_call(lambda: self._api.checkout.sessions.expire(unfinished)))
            return _charge_of_intent(_call(lambda: self._api.payment_intents.cancel(unfinished)))
        except stripe.InvalidRequestError:
            return self.look_up(request, unfinished)

    def refund(self, request: RefundRequest, repeated: bool) -> Transfer:
        """Refunds once for each key. Raises: OutcomeUnknown."""
        intent = self._intent_of(request.charge_reference)
        if repeated:
            refunds = _call(lambda: self._refunds_of(intent))
            known = [one for one in refunds if _metadata(one).get("refund_id") == request.refund_id]
            if known:
                return _transfer_of_refund(known[0])
        return self._create_transfer(
            lambda: self._api.refunds.create(
                {
                    "payment_intent": intent,
                    "amount": to_stripe(request.amount_minor, request.currency),
                    "metadata": {"refund_id": request.refund_id, "payment_id": request.payment_id},
                },
                {"idempotency_key": request.key},
            ),
            _transfer_of_refund,
        )

    def pay_out(self, request: PayoutRequest, repeated: bool) -> Transfer:
        """Pays out once for each key. Raises: OutcomeUnknown."""
        known = _call(lambda: self._payout_of(request)) if repeated else None
        if known is not None:
            return _transfer_of_payout(known)
        return self._create_transfer(
            lambda: self._api.payouts.create(
                {
                    "amount": to_stripe(request.amount_minor, request.currency),
                    "currency": request.currency.lower(),
                    "metadata": {"payout_id": request.payout_id, "provider_id": request.provider_id},
                },
                {"idempotency_key": request.key},
            ),
            _transfer_of_payout,
        )

    def record_of(self, request: ChargeRequest, reference: str | None) -> ChargeRecord:
        """Returns what Stripe's books say about a charge. Raises: OutcomeUnknown."""
        if reference is None:
            return ChargeRecord(0, 0)
        charge = self.look_up(request, reference)
        if charge.state != "captured" or charge.reference is None:
            return ChargeRecord(0, 0)
        intent = charge.reference
        amount = _call(lambda: self._api.payment_intents.retrieve(intent)).amount
        refunds = [one for one in _call(lambda: self._refunds_of(intent)) if one.status != "failed"]
        refunded = sum(one.amount for one in refunds)
        return ChargeRecord(from_stripe(amount, request.currency), from_stripe(refunded, request.currency))

    def parse_webhook(self, payload: str, signature: str) -> WebhookEvent | None:
        """Verifies a webhook and returns what it is about; None when it names no payment, refund or payout.

        Raises: Unauthenticated when it is forged, changed, or its time is more than five minutes off.
        """
        secret = self._settings.stripe_webhook_secret
        try:
            event = stripe.Webhook.construct_event(payload, signature, secret, WEBHOOK_AGE_SECONDS)
            _require_past_signature(signature)
        except (ValueError, TypeError, stripe.SignatureVerificationError) as error:
            raise Unauthenticated("This was not signed by Stripe.", code="bad_signature") from error
        metadata = _metadata(event.data.object)
        kind = next((kind for kind in SUBJECTS if f"{kind}_id" in metadata), None)
        return None if kind is None else WebhookEvent(event.id, kind, metadata[f"{kind}_id"])

    def _open_session(self, request: ChargeRequest) -> Any:
        metadata = {"payment_id": request.payment_id, "order_id": request.order_id}
        price: Any = {
            "currency": request.currency.lower(),
            "unit_amount": to_stripe(request.amount_minor, request.currency),
            "product_data": {"name": request.description},
        }
        back_to = self._settings.payment_return_url.replace("{order_id}", request.order_id)
        return self._api.checkout.sessions.create(
            {
                "mode": "payment",
                "line_items": [{"quantity": 1, "price_data": price}],
                "success_url": back_to,
                "cancel_url": back_to,
                "client_reference_id": request.payment_id,
                "metadata": metadata,
                "payment_intent_data": {"metadata": metadata},
            },
            {"idempotency_key": request.key},
        )

    def _create_intent(self, request: ChargeRequest) -> Any:
        return self._api.payment_intents.create(
            {
                "amount": to_stripe(request.amount_minor, request.currency),
                "currency": request.currency.lower(),
                "payment_method": request.method,
                "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
                "confirm": True,
                "metadata": {"payment_id": request.payment_id, "order_id": request.order_id},
            },
            {"idempotency_key": request.key},
        )

    def _without_action(self, request: ChargeRequest, intent: Any) -> Charge:
        # The customer cannot be sent to another page from here, so the charge must not stay open.
        if request.method != CHECKOUT and intent.status == "requires_action":
            _call(lambda: self._api.payment_intents.cancel(intent.id))
            return Charge("declined", intent.id, failure="authentication_required")
        return _charge_of_intent(intent)

    def _search(self, request: ChargeRequest) -> Charge | None:
        query = f"metadata['payment_id']:'{request.payment_id}'"
        found = _call(lambda: self._api.payment_intents.search({"query": query})).data
        return _charge_of_intent(found[0]) if found else None

    def _intent_of(self, reference: str) -> str:
        if not reference.startswith("cs_"):
            return reference
        session = _call(lambda: self._api.checkout.sessions.retrieve(reference))
        return str(session.payment_intent)

    def _refunds_of(self, intent: str) -> Any:
        return self._api.refunds.list({"payment_intent": intent, "limit": PAGE_SIZE}).data

    def _payout_of(self, request: PayoutRequest) -> Any | None:
        since = int((request.requested_at - CLOCK_SKEW).timestamp())
        pages = self._api.payouts.list({"limit": PAGE_SIZE, "created": {"gte": since}})
        payouts = pages.auto_paging_iter()
        return next((one for one in payouts if _metadata(one).get("payout_id") == request.payout_id), None)

    def _create_transfer(self, create: Callable[[], Any], shown: Callable[[Any], Transfer]) -> Transfer:
        try:
            return shown(_call(create))
        except stripe.InvalidRequestError as error:
            return Transfer("refused", failure=error.code or "invalid_request")


def _call(ask: Callable[[], Answer]) -> Answer:
    """Returns what Stripe answers, its refusals included. Raises: OutcomeUnknown without an answer."""
    try:
        return ask()
    except (stripe.CardError, stripe.InvalidRequestError) as error:
        if error.http_status == 429:
            raise OutcomeUnknown("Stripe is busy.") from error
        raise
    except stripe.StripeError as error:
        raise OutcomeUnknown(f"{type(error).__name__}: {error.user_message or 'no answer'}") from error


def _charge_of_session(session: Any) -> Charge:
    if session.status == "complete" and session.payment_status == "paid":
        return Charge("captured", str(session.payment_intent))
    if session.status == "expired":
        return Charge("cancelled", session.id, failure="expired")
    if session.status == "open":
        return Charge("requires_action", session.id, action_url=session.url)
    return Charge("pending", session.id)


def _charge_of_intent(intent: Any) -> Charge:
    if intent.status == "succeeded":
        return Charge("captured", intent.id)
    if intent.status == "canceled":
        return Charge("cancelled", intent.id, failure="cancelled")
    if intent.status == "requires_payment_method":
        error = intent.last_payment_error
        return Charge("declined", intent.id, failure=(error and error.code) or "declined")
    return Charge("pending", intent.id)


def _require_past_signature(signature: str) -> None:
    """The SDK limits a webhook's age only. Raises: ValueError when its verified time is in the future."""
    signed_at = next(int(part[2:]) for part in signature.split(",") if part.startswith("t="))
    if signed_at > time.time() + WEBHOOK_AGE_SECONDS:
        raise ValueError("signed in the future")


def _transfer_of_refund(refund: Any) -> Transfer:
    if refund.status in ("failed", "canceled"):
        return Transfer("refused", refund.id, refund.failure_reason or refund.status)
    return Transfer("done" if refund.status == "succeeded" else "pending", refund.id)


def _transfer_of_payout(payout: Any) -> Transfer:
    if payout.status in ("failed", "canceled"):
        return Transfer("refused", payout.id, payout.failure_code or payout.status)
    return Transfer("done" if payout.status == "paid" else "pending", payout.id)


def _metadata(thing: Any) -> Mapping[str, str]:
    metadata = getattr(thing, "metadata", None)
    return metadata.to_dict() if metadata else {}


def _intent_in(error: stripe.CardError) -> str | None:
    intent = getattr(error.error, "payment_intent", None)
    return None if intent is None else str(intent.id)


def _reason_of(error: stripe.CardError) -> str:
    return getattr(error.error, "decline_code", None) or error.code or "declined"
