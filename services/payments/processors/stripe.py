"""Stripe by its official SDK: a hosted Checkout page, or a payment method that Stripe.js made.

Card numbers never come here. Each request carries our key as `Idempotency-Key`; Stripe remembers
keys for a day at least, so older wishes are searched by the metadata they were sent with. A card
that wants its holder's consent is declined with `authentication_required`; on the hosted page
Stripe sees to that.

Payouts go to the platform's own bank account, named in their metadata. Paying many providers needs
Stripe Connect: keep each provider's connected account id, send a Transfer there and make the Payout
with that account in the request's options; both take the same idempotency keys.
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
    ChargeWish,
    NoAnswer,
    PayoutWish,
    RefundWish,
    Transfer,
)
from services.payments.processors.stripe_amounts import NotAtStripe, from_stripe, to_stripe
from services.payments.settings import PaymentSettings

Answer = TypeVar("Answer")
CHECKOUT = "stripe_checkout"
KEY_LIFE = timedelta(hours=20)
CLOCKS_DIFFER = timedelta(minutes=10)
WEBHOOK_AGE_SECONDS = 300
SUBJECTS = ("refund", "payout", "payment")
LISTED = 100


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
        """Raises: Invalid when there is no such method, or Stripe cannot take that amount."""
        if method != CHECKOUT and not method.startswith("pm_"):
            detail = f"Must be {CHECKOUT} or the id of a payment method (pm_…)."
            raise Invalid.field("method", "unknown_method", detail)
        try:
            to_stripe(amount_minor, currency)
        except NotAtStripe as error:
            raise Invalid.field("method", "amount_not_supported", str(error)) from error

    def charge(self, wish: ChargeWish) -> Charge:
        """Charges once for each key. Raises: NoAnswer."""
        known = self._search(wish) if datetime.now(UTC) - wish.wished_at > KEY_LIFE else None
        if known is not None:
            return known
        if wish.method == CHECKOUT:
            return _of_session(_told(lambda: self._open_session(wish)))
        try:
            return self._consented(wish, _told(lambda: self._create_intent(wish)))
        except stripe.CardError as error:
            return Charge("declined", _intent_in(error), failure=_reason_of(error))
        except stripe.InvalidRequestError as error:
            return Charge("declined", failure=error.code or "invalid_request")

    def look_up(self, wish: ChargeWish, reference: str) -> Charge:
        """What a charge is by now. Raises: NoAnswer."""
        if reference.startswith("cs_"):
            return _of_session(_told(lambda: self._api.checkout.sessions.retrieve(reference)))
        return self._consented(wish, _told(lambda: self._api.payment_intents.retrieve(reference)))

    def cancel(self, wish: ChargeWish, reference: str | None) -> Charge:
        """Expires the page or cancels the charge, unless it is too late. Raises: NoAnswer."""
        found = self.charge(wish) if reference is None else self.look_up(wish, reference)
        if found.state not in ("pending", "requires_action") or found.reference is None:
            return found
        open_one = found.reference
        try:
            if open_one.startswith("cs_"):
                return _of_session(_told(lambda: self._api.checkout.sessions.expire(open_one)))
            return _of_intent(_told(lambda: self._api.payment_intents.cancel(open_one)))
        except stripe.InvalidRequestError:
            return self.look_up(wish, open_one)

    def refund(self, wish: RefundWish, repeated: bool) -> Transfer:
        """Refunds once for each key. Raises: NoAnswer."""
        intent = self._intent_of(wish.charge_reference)
        if repeated:
            refunds = _told(lambda: self._refunds_of(intent))
            known = [one for one in refunds if _metadata(one).get("refund_id") == wish.refund_id]
            if known:
                return _of_refund(known[0])
        return self._transferred(
            lambda: self._api.refunds.create(
                {
                    "payment_intent": intent,
                    "amount": to_stripe(wish.amount_minor, wish.currency),
                    "metadata": {"refund_id": wish.refund_id, "payment_id": wish.payment_id},
                },
                {"idempotency_key": wish.key},
            ),
            _of_refund,
        )

    def pay_out(self, wish: PayoutWish, repeated: bool) -> Transfer:
        """Pays out once for each key. Raises: NoAnswer."""
        known = _told(lambda: self._payout_of(wish)) if repeated else None
        if known is not None:
            return _of_payout(known)
        return self._transferred(
            lambda: self._api.payouts.create(
                {
                    "amount": to_stripe(wish.amount_minor, wish.currency),
                    "currency": wish.currency.lower(),
                    "metadata": {"payout_id": wish.payout_id, "provider_id": wish.provider_id},
                },
                {"idempotency_key": wish.key},
            ),
            _of_payout,
        )

    def record_of(self, wish: ChargeWish, reference: str | None) -> ChargeRecord:
        """What Stripe's books say of a charge. Raises: NoAnswer."""
        if reference is None:
            return ChargeRecord(0, 0)
        charge = self.look_up(wish, reference)
        if charge.state != "captured" or charge.reference is None:
            return ChargeRecord(0, 0)
        intent = charge.reference
        amount = _told(lambda: self._api.payment_intents.retrieve(intent)).amount
        refunds = [one for one in _told(lambda: self._refunds_of(intent)) if one.status != "failed"]
        refunded = sum(one.amount for one in refunds)
        return ChargeRecord(from_stripe(amount, wish.currency), from_stripe(refunded, wish.currency))

    def heard(self, payload: str, signature: str) -> tuple[str, str, str] | None:
        """A webhook's event id, and the kind and id of what it is about; None when it is not ours.

        Raises: Unauthenticated when it is forged, changed, or more than five minutes old or ahead.
        """
        secret = self._settings.stripe_webhook_secret
        try:
            event = stripe.Webhook.construct_event(payload, signature, secret, WEBHOOK_AGE_SECONDS)
            _refuse_future(signature)
        except (ValueError, TypeError, stripe.SignatureVerificationError) as error:
            raise Unauthenticated("This was not signed by Stripe.", code="bad_signature") from error
        metadata = _metadata(event.data.object)
        kind = next((kind for kind in SUBJECTS if f"{kind}_id" in metadata), None)
        return None if kind is None else (event.id, kind, metadata[f"{kind}_id"])

    def _open_session(self, wish: ChargeWish) -> Any:
        metadata = {"payment_id": wish.payment_id, "order_id": wish.order_id}
        price: Any = {
            "currency": wish.currency.lower(),
            "unit_amount": to_stripe(wish.amount_minor, wish.currency),
            "product_data": {"name": wish.description},
        }
        back_to = self._settings.payment_return_url.replace("{order_id}", wish.order_id)
        return self._api.checkout.sessions.create(
            {
                "mode": "payment",
                "line_items": [{"quantity": 1, "price_data": price}],
                "success_url": back_to,
                "cancel_url": back_to,
                "client_reference_id": wish.payment_id,
                "metadata": metadata,
                "payment_intent_data": {"metadata": metadata},
            },
            {"idempotency_key": wish.key},
        )

    def _create_intent(self, wish: ChargeWish) -> Any:
        return self._api.payment_intents.create(
            {
                "amount": to_stripe(wish.amount_minor, wish.currency),
                "currency": wish.currency.lower(),
                "payment_method": wish.method,
                "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
                "confirm": True,
                "metadata": {"payment_id": wish.payment_id, "order_id": wish.order_id},
            },
            {"idempotency_key": wish.key},
        )

    def _consented(self, wish: ChargeWish, intent: Any) -> Charge:
        # Nobody can be sent anywhere from here, so such a charge must not linger.
        if wish.method != CHECKOUT and intent.status == "requires_action":
            _told(lambda: self._api.payment_intents.cancel(intent.id))
            return Charge("declined", intent.id, failure="authentication_required")
        return _of_intent(intent)

    def _search(self, wish: ChargeWish) -> Charge | None:
        query = f"metadata['payment_id']:'{wish.payment_id}'"
        found = _told(lambda: self._api.payment_intents.search({"query": query})).data
        return _of_intent(found[0]) if found else None

    def _intent_of(self, reference: str) -> str:
        if not reference.startswith("cs_"):
            return reference
        session = _told(lambda: self._api.checkout.sessions.retrieve(reference))
        return str(session.payment_intent)

    def _refunds_of(self, intent: str) -> Any:
        return self._api.refunds.list({"payment_intent": intent, "limit": LISTED}).data

    def _payout_of(self, wish: PayoutWish) -> Any | None:
        since = int((wish.wished_at - CLOCKS_DIFFER).timestamp())
        pages = self._api.payouts.list({"limit": LISTED, "created": {"gte": since}})
        payouts = pages.auto_paging_iter()
        return next((one for one in payouts if _metadata(one).get("payout_id") == wish.payout_id), None)

    def _transferred(self, create: Callable[[], Any], shown: Callable[[Any], Transfer]) -> Transfer:
        try:
            return shown(_told(create))
        except stripe.InvalidRequestError as error:
            return Transfer("refused", failure=error.code or "invalid_request")


def _told(ask: Callable[[], Answer]) -> Answer:
    """What Stripe says of the matter itself. Raises: NoAnswer when it says nothing about it."""
    try:
        return ask()
    except (stripe.CardError, stripe.InvalidRequestError) as error:
        if error.http_status == 429:
            raise NoAnswer("Stripe is busy.") from error
        raise
    except stripe.StripeError as error:
        raise NoAnswer(f"{type(error).__name__}: {error.user_message or 'no answer'}") from error


def _of_session(session: Any) -> Charge:
    if session.status == "complete" and session.payment_status == "paid":
        return Charge("captured", str(session.payment_intent))
    if session.status == "expired":
        return Charge("cancelled", session.id, failure="expired")
    if session.status == "open":
        return Charge("requires_action", session.id, action_url=session.url)
    return Charge("pending", session.id)


def _of_intent(intent: Any) -> Charge:
    if intent.status == "succeeded":
        return Charge("captured", intent.id)
    if intent.status == "canceled":
        return Charge("cancelled", intent.id, failure="cancelled")
    if intent.status == "requires_payment_method":
        error = intent.last_payment_error
        return Charge("declined", intent.id, failure=(error and error.code) or "declined")
    return Charge("pending", intent.id)


def _refuse_future(signature: str) -> None:
    """The SDK bounds a webhook's age only. Raises: ValueError when its moment, already verified, is ahead."""
    signed_at = next(int(part[2:]) for part in signature.split(",") if part.startswith("t="))
    if signed_at > time.time() + WEBHOOK_AGE_SECONDS:
        raise ValueError("signed in the future")


def _of_refund(refund: Any) -> Transfer:
    if refund.status in ("failed", "canceled"):
        return Transfer("refused", refund.id, refund.failure_reason or refund.status)
    return Transfer("done" if refund.status == "succeeded" else "pending", refund.id)


def _of_payout(payout: Any) -> Transfer:
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
